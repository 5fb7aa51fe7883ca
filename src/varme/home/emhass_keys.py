"""The keys of an EMHASS configuration (0.18): older names, defaults, and what each means for a study of a home."""

from __future__ import annotations

from typing import Any

#: Names of before 0.11 and their names of now (EMHASS's ``associations.csv``).
LEGACY = {
    "freq": "optimization_time_step", "days_to_retrieve": "historic_days_to_retrieve",
    "var_PV": "sensor_power_photovoltaics",
    "var_load": "sensor_power_load_no_var_loads", "var_replace_zero": "sensor_replace_zero",
    "var_interp": "sensor_linear_interp", "lat": "Latitude", "lon": "Longitude", "alt": "Altitude",
    "num_def_loads": "number_of_deferrable_loads", "P_deferrable_nom": "nominal_power_of_deferrable_loads",
    "def_total_hours": "operating_hours_of_each_deferrable_load",
    "treat_def_as_semi_cont": "treat_deferrable_load_as_semi_cont",
    "set_def_constant": "set_deferrable_load_single_constant", "def_start_penalty": "set_deferrable_startup_penalty",
    "delta_forecast": "delta_forecast_daily", "load_cost_hp": "load_peak_hours_cost",
    "load_cost_hc": "load_offpeak_hours_cost", "prod_price_forecast_method": "production_price_forecast_method",
    "prod_sell_price": "photovoltaic_production_sell_price", "list_hp_periods": "load_peak_hour_periods",
    "def_start_timestep": "start_timesteps_of_each_deferrable_load",
    "def_end_timestep": "end_timesteps_of_each_deferrable_load", "P_from_grid_max": "maximum_power_from_grid",
    "P_to_grid_max": "maximum_power_to_grid", "module_model": "pv_module_model", "inverter_model": "pv_inverter_model",
    "num_batteries": "number_of_batteries", "Pd_max": "battery_discharge_power_max",
    "Pc_max": "battery_charge_power_max",
    "eta_disch": "battery_discharge_efficiency", "eta_ch": "battery_charge_efficiency",
    "Enom": "battery_nominal_energy_capacity", "SOCmin": "battery_minimum_state_of_charge",
    "SOCmax": "battery_maximum_state_of_charge", "SOCtarget": "battery_target_state_of_charge",
}  # fmt: skip

#: What EMHASS takes where a configuration says nothing (its ``config_defaults.json``), for the keys that are read here.
DEFAULTS: dict[str, Any] = {
    "optimization_time_step": 30, "delta_forecast_daily": 1, "time_zone": "Europe/Copenhagen", "costfun": "profit",
    "number_of_deferrable_loads": 2, "nominal_power_of_deferrable_loads": [3000.0, 750.0],
    "operating_hours_of_each_deferrable_load": [4, 0],
    "load_peak_hours_cost": 0.1907, "load_offpeak_hours_cost": 0.1419,
    "load_cost_forecast_method": "hp_hc_periods", "production_price_forecast_method": "constant",
    "photovoltaic_production_sell_price": 0.1419, "maximum_power_from_grid": 9000, "maximum_power_to_grid": 9000,
    "load_peak_hour_periods": {
        "period_hp_1": [{"start": "02:54"}, {"end": "15:24"}], "period_hp_2": [{"start": "17:24"}, {"end": "20:24"}]
    },
    "pv_module_model": ["CSUN_Eurasia_Energy_Systems_Industry_and_Trade_CSUN295_60M"], "modules_per_string": [16],
    "strings_per_inverter": [1], "surface_tilt": [30], "surface_azimuth": [205],
    "battery_discharge_power_max": 1000, "battery_charge_power_max": 1000, "battery_discharge_efficiency": 0.95,
    "battery_charge_efficiency": 0.95, "battery_nominal_energy_capacity": 5000, "battery_minimum_state_of_charge": 0.3,
    "battery_maximum_state_of_charge": 0.9, "battery_target_state_of_charge": 0.6, "set_nodischarge_to_grid": True,
}  # fmt: skip

_ENTITIES = "names of Home Assistant entities: a study reads series from files, not from Home Assistant"
_DATABASE = "where EMHASS reads its history: a study reads series from files"
_FORECAST = "how EMHASS makes its forecasts: a study is given series, or takes the synthetic year"
_PROGRAM = "how EMHASS runs, logs and publishes; nothing of the home"
_SOLVER = "how EMHASS's solver stops: varme plans to its own gap, in cents (`plan.gap_cent`)"
_SECRET = "a secret: never carried over"
#: Keys that say nothing about the home, and why.
IRRELEVANT: dict[str, str] = {
    **dict.fromkeys(
        (
            "sensor_power_photovoltaics", "sensor_power_photovoltaics_forecast", "sensor_power_battery",
            "sensor_battery_state_of_charge", "sensor_power_load_no_var_loads", "sensor_replace_zero",
            "sensor_linear_interp", "load_negative", "set_zero_min",
        ),
        _ENTITIES,
    ),
    **dict.fromkeys(
        (
            "historic_days_to_retrieve", "use_websocket", "ssl_no_verify", "use_influxdb", "influxdb_host",
            "influxdb_port",
            "influxdb_database", "influxdb_measurement", "influxdb_retention_policy", "influxdb_use_ssl",
            "influxdb_verify_ssl", "use_victoriametrics", "victoriametrics_host", "victoriametrics_port",
            "victoriametrics_database", "victoriametrics_metric_regex", "victoriametrics_use_ssl",
            "victoriametrics_verify_ssl",
        ),
        _DATABASE,
    ),
    **dict.fromkeys(
        (
            "weather_forecast_method", "weather_forecast_pv_quantile_bias", "open_meteo_cache_max_age",
            "load_forecast_method", "model_type", "var_model", "sklearn_model", "num_lags", "split_date_delta",
            "perform_backtest", "mlforecaster_weather_features", "set_use_adjusted_pv", "adjusted_pv_regression_model",
            "adjusted_pv_solar_elevation_threshold", "adjusted_pv_model_max_age", "set_use_battery_identification",
            "battery_identification_trust_tier", "battery_identification_model_max_age", "solar_forecast_kwp",
        ),
        _FORECAST,
    ),
    **dict.fromkeys(
        (
            "logging_level", "method_ts_round", "continual_publish", "publish_horizon_attributes", "data_path",
            "publish_deferrable_load_states", "hass_url", "server_ip", "web_ui_url",
        ),
        _PROGRAM,
    ),
    **dict.fromkeys(
        (
            "lp_solver", "lp_solver_path", "lp_solver_timeout", "lp_solver_mip_rel_gap", "num_threads", "cop_solver",
            "cop_solver_tolerance", "cop_hx_approach",
        ),
        _SOLVER,
    ),
    **dict.fromkeys(
        (
            "long_lived_token", "solcast_api_key", "solcast_rooftop_id", "influxdb_username", "influxdb_password",
            "victoriametrics_username", "victoriametrics_password",
        ),
        _SECRET,
    ),
}  # fmt: skip

#: Keys of something that a configuration may not use: its switch, and the keys that matter only with it.
SWITCHES: dict[str, tuple[str, ...]] = {
    "set_use_battery": (
        "number_of_batteries", "battery_discharge_power_max", "battery_charge_power_max",
        "battery_charge_power_derating",
        "battery_discharge_efficiency", "battery_charge_efficiency", "battery_nominal_energy_capacity",
        "battery_minimum_state_of_charge", "battery_maximum_state_of_charge", "battery_target_state_of_charge",
        "battery_stress_cost", "battery_stress_segments", "battery_soc_deficit_threshold", "battery_soc_deficit_cost",
        "battery_soc_surplus_threshold", "battery_soc_surplus_cost", "battery_soc_final_reward_factor",
        "set_nocharge_from_grid", "set_nodischarge_to_grid", "set_battery_first_priority", "set_battery_dynamic",
        "battery_dynamic_max", "battery_dynamic_min", "weight_battery_discharge", "weight_battery_charge",
    ),
    "set_use_pv": (
        "pv_module_model", "pv_inverter_model", "surface_tilt", "surface_azimuth", "modules_per_string",
        "strings_per_inverter", "compute_curtailment", "set_total_pv_sell",
    ),
    "inverter_is_hybrid": (
        "inverter_ac_output_max", "inverter_ac_input_max", "inverter_efficiency_dc_ac", "inverter_efficiency_ac_dc",
        "inverter_power_curve_dc_ac", "inverter_power_curve_ac_dc", "inverter_stress_cost", "inverter_stress_segments",
    ),
    "capacity_cost_per_kw": ("capacity_charge_interval_timesteps",),
}  # fmt: skip

#: Keys that are set to something else than "off" and that no study of a home has, with the reason.
WITHOUT_COUNTERPART: dict[str, tuple[Any, str]] = {
    "battery_charge_power_derating": ([], "a charge limit that depends on the level has no counterpart"),
    "battery_stress_cost": (0.0, "a cost of high power has no counterpart; wear per kWh has (`wear_eur_per_kwh`)"),
    "battery_soc_deficit_cost": (0.0, "a price of low levels has no counterpart; a reserve has (`minimum_share`)"),
    "battery_soc_surplus_cost": (0.0, "a price of high levels has no counterpart"),
    "battery_soc_final_reward_factor": (0.0, "what is left in the battery is valued at the end of every plan anyway"),
    "set_nocharge_from_grid": (False, "the battery may charge from the grid; no switch forbids it"),
    "set_nodischarge_to_grid": (False, "the battery may sell, where export earns more than wear and losses"),
    "set_battery_first_priority": (False, "the plan minimises cost; an order of sources has no counterpart"),
    "set_battery_dynamic": (False, "ramps of the battery have no counterpart"),
    "set_total_pv_sell": (False, "selling all PV and buying all load (two meters) has no counterpart"),
    "tariff_schedule_time_zone": ("", "the tariff follows the clock of `time.timezone`"),
}  # fmt: skip
