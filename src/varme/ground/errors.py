"""The exception tree and the register of error codes.

::

    VarmeError                  every error that varme raises on purpose
    ├── InputError              P1xx  the study file or an argument is wrong
    ├── DataError               P2xx  a series or a table of data is unfit
    ├── ModelError              P3xx  the model has no answer (infeasible, unbounded, contradictory)
    ├── SolverError             P4xx  the solver failed, or its answer did not pass the re-check
    └── RunError                P5xx  running, saving or loading failed (folders, disk, workers)

An error carries *all* problems of its kind that were found, each with a code, a place, a value, a limit and a
remedy. The same text is shown by the CLI, the API and a page.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class CodeEntry:
    """What a code means and what to do about it; rendered in ``docs/reference/errors.md``."""

    title: str
    meaning: str
    remedy: str


CODES: dict[str, CodeEntry] = {
    # P1xx: study files and arguments
    "P100": CodeEntry(
        "Study file unreadable",
        "The study file does not exist, is not readable, or is not valid TOML or JSON.",
        "Check the path; the line and column of the syntax error are given.",
    ),
    "P101": CodeEntry(
        "Value outside its limits",
        "A field's value is of the right type but outside what is physically or logically possible.",
        "Give a value within the limit that is stated.",
    ),
    "P102": CodeEntry(
        "Wrong type", "A field holds another type than it takes.", "Give the type that the message names."
    ),
    "P103": CodeEntry(
        "Field missing",
        "A field without a default was not given.",
        "Add the field; see the reference of the study.",
    ),
    "P104": CodeEntry(
        "Unknown field",
        "A field name that this study does not have.",
        "Use the suggested name, or remove the field.",
    ),
    "P105": CodeEntry(
        "Wrong unit",
        "The field exists, but the name ends in a unit of another dimension (for example `_kwh` for a power).",
        "Use the unit of the field, or one of the same dimension: it is converted.",
    ),
    "P106": CodeEntry(
        "Unknown kind",
        "The study's `kind` (or a device's `type`) is not one that varme has.",
        "Use a listed kind.",
    ),
    "P107": CodeEntry(
        "Reference to nothing",
        "A field names an area, a node, a unit or a fuel that the study does not define.",
        "Define it, or use one of the names that the message lists.",
    ),
    "P108": CodeEntry(
        "Contradicting fields",
        "Two fields cannot both hold, or exactly one of several must be given.",
        "Change one of the fields that the message names.",
    ),
    "P109": CodeEntry(
        "Energy created",
        "The efficiencies of a unit add up to more energy than the fuel holds (eta_e + eta_q > 1.1, the limit that "
        "leaves room for flue-gas condensation on a net calorific basis).",
        "Check whether a total efficiency was entered as the heat efficiency: heat = total - electric.",
    ),
    "P110": CodeEntry(
        "Area or node without supply",
        "A heat area or electricity node has demand and nothing that could ever serve it.",
        "Add a unit, a line, or set the shortfall price so that unserved energy is allowed.",
    ),
    "P111": CodeEntry(
        "Bad `--set` or `--vary`",
        "An override on the command line is not of the form field=value, or names no field.",
        "Write `--set section.name.field=value`; `varme schema KIND` lists the fields.",
    ),
    "P112": CodeEntry(
        "Name clash",
        "Two things in a study have the same name.",
        "Rename one: names are the keys of the result tables.",
    ),
    "P113": CodeEntry(
        "Gross or net?",
        "A gas energy does not say whether it is on the gross (Hs) or the net (Hi) calorific value; taking one for the "
        "other moves heat, B and SPF by 11 %.",
        "State the unit as `kwh_hs` or `kwh_hi`; bills in Germany, Austria and Great Britain are gross.",
    ),
    "P114": CodeEntry(
        "Efficiency on the wrong base",
        "A furnace efficiency is not possible on the base that it is stated on: above 0.98 on the gross calorific "
        "value, or above 1.09 on the net one.",
        'State `efficiency_base = "hi"` for a figure on the net calorific value (a condensing furnace: 0.96-1.05 on '
        "Hi is 0.87-0.95 on Hs).",
    ),
    "P115": CodeEntry(
        "Calorific values do not fit",
        "The calorific values are not one number, twelve numbers (January to December), or a table with the columns "
        "zone, month (YYYY-MM) and calorific_kwh_hs_per_m3; or the table lacks a month or a zone.",
        "Complete the table: the network operator publishes monthly values by zone.",
    ),
    "P116": CodeEntry(
        "Change-over of gas does not fit",
        "A change-over names a zone that the calorific values do not have, or a value outside 5 to 16 kWh/m3.",
        "Use a zone of the table; without a table leave `zone` out.",
    ),
    "P123": CodeEntry(
        "Backup heater above the SPF",
        "The backup heaters alone would use more electricity than the SPF leaves for everything.",
        'Check the SPF and its boundary: with `backup = "in_meters"` the SPF holds the backup heater already.',
    ),
    "P124": CodeEntry(
        "Standard profile missing",
        "The package or the folder that a standard load profile comes from is not there.",
        'Install the extra or name the folder, or use the shapes of the town\'s own meters (`shapes = "measured"`).',
    ),
    "P125": CodeEntry(
        "Standard profile unfit",
        "A file of standard-profile parameters is not of the form in which its source ships it.",
        "Use the files as they are shipped: semicolons, decimal commas, one column per temperature class.",
    ),
    "P126": CodeEntry(
        "Blocking windows contradict",
        "A blocking window is no window of the day, overlaps another, lies between steps, or blocks nearly all day.",
        "Write windows as HH:MM-HH:MM in local time, on whole steps, one after the other.",
    ),
    "P127": CodeEntry(
        "Transformer unfit",
        "A transformer has no name, a name that occurs twice, or a rating that is not above 0.",
        "Correct the row of the transformer table; without one, `grid.rating_kva` counts for all.",
    ),
    "P129": CodeEntry(
        "No profiles to draw from",
        "Peaks and simultaneity are drawn from heat-pump meters of at most hourly steps, and none has enough values.",
        "Give hourly heat-pump meters, or a standard shape (`demand.shapes`).",
    ),
    "P130": CodeEntry(
        "Adoption order unknown",
        "The order of adoption needs a column of the building table that is not there or is empty.",
        'Add the column that the message names, or use `order = "random"`.',
    ),
    "P131": CodeEntry(
        "Nothing to hand over",
        "The hand-over format is unknown, or the run has no loads by transformer and hour.",
        "Use `pandapower`, `opendss` or `simbench` on a run with transformers.",
    ),
    "P132": CodeEntry(
        "Base load unfit",
        "What the transformers carry already does not fit: another length, negative, or not a number.",
        "Give one value per transformer (peak) or one per step (series), in kW.",
    ),
    "P160": CodeEntry(
        "Load does not fit into its window",
        "A load that may wait needs longer than the window of the day in which it may run.",
        "Widen the window (`from_h`, `to_h`), or shorten the run.",
    ),
    "P161": CodeEntry(
        "EMHASS configuration unreadable",
        "The file is not there, is no JSON, or is no configuration of EMHASS: none of its keys is there.",
        "Give the config.json of EMHASS, as it lies in its share folder or as its configuration page shows it.",
    ),
    "P162": CodeEntry(
        "EMHASS configuration contradicts itself",
        "A value of an EMHASS configuration is of another type than EMHASS takes, or lists of loads differ in length.",
        "Correct the key that the message names; EMHASS's configuration page shows what it takes.",
    ),
    "P175": CodeEntry(
        "Synthetic weather out of reach",
        "The yearly irradiation or the coldest temperature of a synthetic home year is not possible at its place.",
        "Give values within the limits that the message states, or move the place.",
    ),
    "P190": CodeEntry(
        "A home contradicts itself",
        "Wishes exclude each other, or no device can do what is asked: a comfort band upside down, a tank that nothing "
        "heats, a connection below the household's load, a trip longer than the battery.",
        "Change one of the fields that the message names.",
    ),
    "P150": CodeEntry(
        "Tank too small for the step",
        "One step of the heat pump at its smallest heat raises the tank by more than its temperature band is wide: "
        "no plan can keep it within.",
        "Use shorter steps, a wider band or the larger tank that the message names.",
    ),
    "P151": CodeEntry(
        "Tank band impossible",
        "The temperatures of a tank contradict each other or the cold water: a band below the cold water, a legionella "
        "duty below the band, or a band above what water holds.",
        "Correct the temperatures that the message names.",
    ),
    "P153": CodeEntry(
        "Legionella duty out of reach",
        "Neither the heat pump nor a second heater can bring the tank to the temperature of the legionella duty.",
        "Add a backup heater, lower the temperature of the duty if the rules allow it, or use a hotter heat pump.",
    ),
    "P154": CodeEntry(
        "Heat demand gives no house",
        "A yearly heat demand cannot be turned into a heat loss: the weather covers no year, or no heat loss gives it.",
        "Give `degree_days_k_days` beside the demand, weather of a year, or `heat_loss_w_per_k` itself.",
    ),
    "P155": CodeEntry(
        "Trips overlap",
        "Two trips of a vehicle overlap.",
        "Change the days or hours of one of them; a trip over night states a return before its departure.",
    ),
    "P156": CodeEntry(
        "Unknown model",
        "The catalogue has no model of that name, or several.",
        "Use one of the names that the message offers.",
    ),
    "P157": CodeEntry(
        "pvlib missing",
        "The study asks for a method of irradiance that pvlib computes, and pvlib is not installed.",
        'Install the extra `varme[pv]`, or use `sky = "hay_davies"` and `split = "erbs"`, which need nothing.',
    ),
    "P158": CodeEntry(
        "Emitters too small",
        "Radiators or floors cannot give the house its heat on the design day, even at their highest flow temperature.",
        "Raise `flow_max_c`, check `emitter_design_kw`, or lay the emitters out for warmer water.",
    ),
    "P176": CodeEntry(
        "Unknown tariff preset",
        "No tariff form of this name is built in.",
        "Use a name that the message lists, or state the figures of the bill.",
    ),
    "P177": CodeEntry(
        "Tariff contradicts itself",
        "Two network periods hold at the same time, a month does not exist, or two ways to pay for export are given.",
        "Correct the field that the message names.",
    ),
    "P178": CodeEntry(
        "Reference years missing",
        "Test reference years and standard load profiles come with the package demandlib, which is not installed.",
        'Install the extra: `pip install "varme[profiles]"`.',
    ),
    "P179": CodeEntry(
        "Reference year unfit",
        "There is no such climate region, or the file of a test reference year is not as the package ships it.",
        "Use a region from 1 to 15, and an unchanged demandlib.",
    ),
    "P120": CodeEntry(
        "Covariate of another length",
        "A covariate has another number of values than there are homes.",
        "Give one value per home, NaN where it is not known.",
    ),
    "P180": CodeEntry(
        "Homes of a fleet not stated",
        "A fleet takes its homes from a population or from a file, and from one of them only.",
        "Give a section `population`, or `homes` with a file.",
    ),
    "P181": CodeEntry(
        "Duration is no multiple of the step",
        "A flexibility envelope is held for whole steps.",
        "Give durations that are multiples of `time.step_min`.",
    ),
    "P182": CodeEntry(
        "No home of the fleet could be planned",
        "Every home failed; the first reason is given.",
        "Correct what the typical home's sections say, or the columns of the file of homes.",
    ),
    "P183": CodeEntry(
        "Column is no field of a home",
        "A column of the file of homes has a name that no field of a home study has.",
        "Use the suggested name, or remove the column.",
    ),
    "P184": CodeEntry(
        "Cell of the file of homes",
        "A cell is not a number where a number belongs, a name repeats, or the file holds no home.",
        "Correct the line that is named.",
    ),
    # P140-P149: heat pumps of homes
    "P140": CodeEntry(
        "Unknown heat pump model",
        "The catalogue holds no model of that name.",
        "Use one of the nearest names that the message lists, or give `points` of the data sheet.",
    ),
    "P141": CodeEntry(
        "Ambiguous heat pump model",
        "The name stands for several machines of the catalogue.",
        "Write the manufacturer before the name.",
    ),
    "P142": CodeEntry(
        "Heat pump given in several ways",
        "More than one of points, model, Carnot share and Lorenz share is given.",
        "Give one of them, or none for the median machine.",
    ),
    "P143": CodeEntry(
        "Performance point impossible",
        "A COP is not above 1, or so near to Carnot's that no machine reaches it.",
        "Check COP, source and flow temperature against the data sheet.",
    ),
    "P144": CodeEntry(
        "Heat pump too small",
        "Heat pump, backup heater and second heater together cannot carry the house at the design temperature.",
        "A larger heat pump, a backup heater or a second heater of the missing power, or less heat loss.",
    ),
    "P145": CodeEntry(
        "Flow temperature out of reach",
        "The machine cannot make the flow temperature or the hot water that is asked for.",
        "Lower the flow temperature (larger emitters) or the tank's highest temperature, or allow a backup heater.",
    ),
    "P146": CodeEntry(
        "Dimmed below the legal minimum",
        "A grid operator that dims must leave at least 4.2 kW (German EnWG 14a, BNetzA BK6-22-300).",
        "Give 4.2 kW or more; for hours without any electricity use blocking times.",
    ),
    "P147": CodeEntry(
        "More electricity than heat",
        "The COP that is given falls below 1 at temperatures of the study, which no heat pump can do.",
        "Check `carnot_share`, `lorenz_share` or the points, and the flow temperature.",
    ),
    "P148": CodeEntry(
        "Second heater contradictory",
        "Limits, efficiency or prices of the second heater contradict each other.",
        "Give the values that the message asks for.",
    ),
    "P149": CodeEntry(
        "SG-Ready signal invalid",
        "A sequence of SG-Ready states breaks the rules: a state below 10 minutes, a lock above 2 hours.",
        "Make the sequence with `signal_of`, which keeps them.",
    ),
    "P170": CodeEntry(
        "Nothing to size",
        "A study of the kind `home-sizing` holds no size that is a decision, or one for a device that the home lacks.",
        "Give a size as a table: `[sizing.heat_pump_kw]` with `min`, `max` and costs; add the device to the home.",
    ),
    "P171": CodeEntry(
        "Cost in another unit than the size",
        "An investment per kW, kWh, kWp or litre stands at a size of another unit.",
        "State the cost per unit of the size: `eur_per_kw`, `eur_per_kwh`, `eur_per_kwp` or `eur_per_l`.",
    ),
    "P172": CodeEntry(
        "Money of different years",
        "Costs are stated in money of different years, which must not be added.",
        "Give `price_index` with a value for each year, and `price_year`, the year to count in.",
    ),
    "P173": CodeEntry(
        "Unknown cost preset or scenario",
        "A set of costs, a catalogue's model or a scenario is named that does not exist, or is given twice.",
        "Use one of the names that the message lists.",
    ),
    "P174": CodeEntry(
        "Horizon too short to size by",
        "Sizes are decided from a whole year, or at least from some days that stand for one.",
        "Give a horizon of a year (or at least two days, for a trial).",
    ),
    "P185": CodeEntry(
        "No flexibility to hand over",
        "The run of the fleet has no envelopes.",
        "Give `flexibility.durations_min` at least one duration and run again.",
    ),
    "P165": CodeEntry(
        "Replay's plans too short",
        "In a replay the horizon of a plan does not reach beyond the instant at which the next plan is made.",
        "Give a longer `horizon_h` or a shorter `replan_min`.",
    ),
    "P166": CodeEntry(
        "Not a replay",
        "`varme replay` was given a study of another kind.",
        'Use `varme run`, or write `kind = "home-replay"`; `varme new home-replay` writes one to begin with.',
    ),
    # P2xx: data
    "P200": CodeEntry(
        "Data file unreadable",
        "A data file does not exist or cannot be parsed.",
        "Check the path and the format.",
    ),
    "P201": CodeEntry(
        "Unknown column",
        "The file has no column of that name.",
        "Use one of the columns that the message lists.",
    ),
    "P202": CodeEntry(
        "Series too short",
        "The series does not cover the time grid of the study.",
        "Give data for the whole horizon, or shorten the horizon.",
    ),
    "P203": CodeEntry(
        "Gap in a series",
        "Intervals are missing inside the series, or cells are empty or NaN.",
        'Fill the gap in the source, or state `gaps = "interpolate"` with `gap_max_h`; what was filled is reported.',
    ),
    "P204": CodeEntry(
        "Duplicate times",
        "A time stamp occurs more than once.",
        "Remove the duplicates, or state the time zone (DST).",
    ),
    "P205": CodeEntry(
        "Shifted times",
        "The time stamps lie beside the grid (for example labelled at the interval's end, or half an hour off).",
        'State the time zone and the label (`label = "end"`), or correct the stamps.',
    ),
    "P206": CodeEntry(
        "DST hour missing or doubled",
        "A local-time series has 24 hours on a day of 23 or 25 hours.",
        'State the clock that the file really uses (`timezone = "UTC"` or `"Etc/GMT-1"`), or repair the day.',
    ),
    "P207": CodeEntry(
        "Wrong length",
        "A list of numbers has another length than the time grid.",
        "Give one value per interval.",
    ),
    "P208": CodeEntry(
        "Unit mismatch",
        "The data's unit cannot be turned into the field's unit.",
        "State `unit`, or use a column of the right dimension.",
    ),
    "P209": CodeEntry(
        "Not a number",
        "A cell holds text where a number belongs.",
        "Correct the cell; the row number is given.",
    ),
    "P210": CodeEntry(
        "Value outside its limits",
        "A series holds values that are physically impossible.",
        "Correct the data.",
    ),
    "P211": CodeEntry(
        "Unknown layout",
        "The data layout is not one that varme reads.",
        "Use one of the layouts that are listed.",
    ),
    "P212": CodeEntry(
        "Time stamp unreadable",
        "A time stamp is neither ISO 8601 (2011-01-31T23:00Z, 2011-01-31 23:00) nor day first (31.01.2011 23:00).",
        "Correct the stamp; the line is given. State `time_column` if another column holds the time.",
    ),
    "P213": CodeEntry(
        "Row of a table unfit",
        "A row of a plant table has more cells than the header, no name, or a name that occurs twice.",
        "Correct the row; its line is given.",
    ),
    "P214": CodeEntry(
        "Unit of meters unclear",
        "The unit of meter readings is unknown, not stated, or of several dimensions.",
        "State `unit`: m3, ft3, ccf, therm, kwh_hs, kwh_hi, kwh, pulses...",
    ),
    "P215": CodeEntry(
        "Gross or net gas energy",
        "Gas energy does not say whether it is gross (Hs) or net (Hi), or both are mixed; they differ by 10.8 %.",
        "State `unit` as kwh_hs or kwh_hi.",
    ),
    "P216": CodeEntry(
        "Meter file in doubt",
        "Several columns could be the meter, the time or the reading, or none can.",
        "State the field that the message names.",
    ),
    "P217": CodeEntry(
        "Meters of other years",
        "No meter reading lies in the years of the study.",
        "Change the years of the study, or name other files.",
    ),
    "P218": CodeEntry(
        "Step of meter readings unusable",
        "Readings are neither daily nor a whole part of a day apart.",
        "Give daily to 15-min consumption, or registers.",
    ),
    "P219": CodeEntry(
        "Meter in several files",
        "The same meter has other readings for the same times in another file.",
        "Rename meters whose ids are used twice, or leave one of the files out.",
    ),
    "P220": CodeEntry(
        "No meter readings",
        "A file holds a header and no rows, or no row has a meter, a time and a value.",
        "Check the file, its separator and its decimal sign.",
    ),
    "P221": CodeEntry(
        "Sign of meter readings",
        "Most readings are negative.",
        "Use the column of consumption, or turn the sign.",
    ),
    "P222": CodeEntry(
        "Table of buildings unfit",
        "A row has no meter, a meter that occurs twice, or a value outside its limits.",
        "Correct the row; its line is given.",
    ),
    "P223": CodeEntry(
        "Not the files of the data set",
        "The layout names a data set, and the files are not laid out like it.",
        "Name the folder or file as it was downloaded, or leave `layout` out.",
    ),
    "P245": CodeEntry(
        "Vehicle catalogue unfit",
        "A catalogue of electric vehicles cannot be read or lacks columns.",
        "Use the columns of Open EV Data: brand, model, variant, usable_battery_kwh, ac_phases, ac_max_kw.",
    ),
    "P240": CodeEntry(
        "Not a catalogue of heat pumps",
        "The file is neither a table of Keymark points nor of hplib parameters.",
        "Use hplib's collection of Keymark points, or its table of parameters.",
    ),
    "P241": CodeEntry(
        "No fit row in the catalogue",
        "Every row of the catalogue was refused.",
        "Check separator and columns; the first reason is given.",
    ),
    "P248": CodeEntry(
        "Prices missing for the last hours",
        "The price series ends before the horizon does: day-ahead prices are known until midnight of tomorrow at most.",
        'Shorten the horizon, give more prices, or state `prices_beyond = "persistence"`; what was repeated is told.',
    ),
    "P249": CodeEntry(
        "No day of prices to repeat",
        "`prices_beyond` asks to repeat the last known day of prices, and less than a day is known.",
        "Give more prices, or shorten the horizon.",
    ),
    # P3xx: models
    "P301": CodeEntry(
        "No plan exists",
        "Demand, limits and states contradict each other: no schedule satisfies them all. The message says which bus, "
        "which hours, how much is missing, and which limits bind.",
        "Raise the limits that bind, or allow unserved energy at a price (`shortfall_eur_per_mwh`).",
    ),
    "P302": CodeEntry(
        "Unbounded plan",
        "The cost can fall without limit.",
        "Check negative prices and missing capacity limits.",
    ),
    "P303": CodeEntry(
        "Empty constraint block",
        "A device asked for constraints and none were built: a programming error that would otherwise pass unnoticed.",
        "Report this as a bug, with the study file.",
    ),
    "P315": CodeEntry(
        "Panel of years does not fit",
        "Annual totals of the same meters do not have one column per year, or a year occurs twice.",
        "Give one column and one temperature per year; NaN where a meter's year is not usable.",
    ),
    "P316": CodeEntry(
        "Daily fleets do not fit",
        "The daily heat of the gas homes, the electricity of the heat pumps and the temperatures differ in length.",
        "Give all three over the same days, NaN where a day is missing.",
    ),
    "P317": CodeEntry(
        "Joint estimate without a level",
        "Years or towns are joined, but one of them has no annual estimate of B, or temperatures for other years.",
        "Give one level and one temperature for each year, with a positive standard error.",
    ),
    "P318": CodeEntry(
        "Curve makes no heat-pump device",
        "The estimated COP leaves the limits of a device, or its slope is not that of a machine that lifts heat.",
        'Check the estimate; write the device as a series (`form = "series"`) or give a plausible SPF.',
    ),
    "P310": CodeEntry(
        "Optimum at the edge of the grid",
        "The divergence is smallest at the first or last scale, so its minimum lies beyond: an edge is no answer.",
        "Widen `b_min_ratio` or `b_max_ratio`.",
    ),
    "P311": CodeEntry(
        "Too few meters for any estimate",
        "Fewer than 3 gas or heat-pump meters have a positive total in the year.",
        "Give more meters, or a whole year of them; the table of dropped meters says why each one was left out.",
    ),
    "P312": CodeEntry(
        "Divergence infinite everywhere",
        "Half of Jeffreys' divergence, as printed in Eq. 6 of Bayer & Pruckner 2023, is infinite with an empty bin.",
        'Use `divergence = "lin"`, fewer bins, a `floor_share` above 0, or `empty_bins = "drop"`.',
    ),
    "P324": CodeEntry(
        "No year with both kinds of meters",
        "Gas meters and heat-pump meters are never usable in the same year, so that nothing can be compared.",
        "A run with `[given]` instead of heat-pump meters has the table `dropped` with the reasons; use other years.",
    ),
    "P319": CodeEntry(
        "No reference weather",
        "Energy was to be expressed in the weather of a year, or a cold spell was to be found, and the temperatures do "
        "not hold it.",
        "Choose years that the record holds, or give a reference year with a temperature on each of its days.",
    ),
    "P313": CodeEntry(
        "Totals without any spread",
        "All gas meters, or all heat-pump meters, have the same total of the year: a default value, not a measurement.",
        "Give measured totals.",
    ),
    "P350": CodeEntry(
        "Correlations that cannot hold together",
        "No three quantities can have the correlations that were given.",
        "Give correlations nearer to 0.",
    ),
    "P351": CodeEntry(
        "No scenario",
        "A plan under uncertainty needs at least one scenario.",
        "Set `scenarios.scenarios_count` to 1 or more.",
    ),
    "P345": CodeEntry(
        "Household needs more than the connection gives",
        "The household's own load is above the largest import, so no sizes of heat pump or battery make a plan.",
        "Check the load's unit (W or kW), or raise `grid.import_max_kw`.",
    ),
    "P346": CodeEntry(
        "House cannot be heated",
        "Even the largest sizes allowed leave the house colder, or the hot water, than the study allows.",
        "Raise the largest heat-pump size or the backup heater by the missing kW that the message states.",
    ),
    "P347": CodeEntry(
        "CO2 limit cannot be met",
        "No sizes within their limits bring the emissions of bought electricity below the limit.",
        "Raise `co2_max_kg`, or allow more PV or battery.",
    ),
    "P348": CodeEntry(
        "Device that sizing does not hold",
        "The home has a device, duty or tariff whose equations the sizing does not have, and leaving it "
        "out would mislead.",
        "Remove it from the sizing study, and check the chosen sizes with a `home` or `home-replay` study that has it.",
    ),
    "P349": CodeEntry(
        "No certified sizes",
        "The search ended without sizes whose operation passed the re-check.",
        "Report it with the study file.",
    ),
    # P4xx: solver
    "P401": CodeEntry(
        "Solver failed", "HiGHS returned an error status.", "Export the model (`--format mps`) and report it."
    ),
    "P402": CodeEntry(
        "Limit before any plan",
        "The limit of time or of nodes was reached before any plan was known; there may be one.",
        'Raise `time_limit_s` or `exact_nodes_count`, use `quality = "fast"`, or allow unserved energy at a price.',
    ),
    "P403": CodeEntry(
        "Answer did not pass the re-check",
        "The solver's answer violates a constraint by more than 1e-6 or its objective does not add up.",
        "Report this as a bug, with the exported model.",
    ),
    "P404": CodeEntry(
        "Option refused",
        "HiGHS refused an option or silently used another solver.",
        "Use an option of this build.",
    ),
    # P5xx: runs
    "P501": CodeEntry(
        "Run folder exists",
        "The output folder already holds something.",
        "Use another `--out`, `--resume`, or `--force`.",
    ),
    "P502": CodeEntry(
        "Not a run", "The folder holds no result that varme can read.", "Give a folder made by `varme run`."
    ),
    "P503": CodeEntry(
        "Could not write",
        "Writing failed (disk full, no permission). Nothing is half-written: files are renamed into place when whole.",
        "Free space or give another `--out`; finished windows are kept and `--resume` goes on.",
    ),
    "P504": CodeEntry(
        "Worker lost",
        "A worker process died more often than it may.",
        "Lower `--jobs` (memory), or report the task.",
    ),
    "P505": CodeEntry(
        "Resume does not fit",
        "The unfinished run in the folder belongs to another study, data or version.",
        "Start anew with another `--out`.",
    ),
    "P506": CodeEntry(
        "Interrupted", "The run was stopped; what was finished is readable.", "Go on with `--resume`."
    ),
    "P507": CodeEntry(
        "Task failed",
        "A task in a worker process raised an unexpected error.",
        "Report it, with the text shown.",
    ),
}


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong.

    Attributes:
        code: A key of :data:`CODES`.
        where: File, field path, row or time, as the user knows it (``study.toml: units.AMV1.ramp_share``).
        what: What is wrong, as a sentence without its full stop.
        value: The value found, already formatted; empty if there is none.
        limit: The limit or the set of choices; empty if there is none.
        remedy: What to do; the code's general remedy if empty.
    """

    code: str
    where: str
    what: str
    value: str = ""
    limit: str = ""
    remedy: str = ""

    def __post_init__(self) -> None:
        if self.code not in CODES:
            raise ValueError(f"unknown problem code {self.code}")

    def __str__(self) -> str:
        value = f" = {self.value}" if self.value else ""
        limit = f" ({self.limit})" if self.limit else ""
        remedy = self.remedy or CODES[self.code].remedy
        stop = "" if self.what.endswith("?") and not limit else "."
        return f"{self.code} {self.where}{value}: {self.what}{limit}{stop} {remedy}"

    def as_dict(self) -> dict[str, str]:
        """Return the parts as plain strings, for JSON."""
        return asdict(self)


class VarmeError(Exception):
    """Base of every error that varme raises on purpose; carries all problems found.

    Args:
        problems: One or more problems.
        source: The file or the object that the problems belong to, shown in the headline.
    """

    exit_code = 1

    def __init__(self, problems: Problem | Iterable[Problem], source: str = "") -> None:
        self.problems: tuple[Problem, ...] = (problems,) if isinstance(problems, Problem) else tuple(problems)
        self.source = source
        super().__init__(self.text())

    def text(self) -> str:
        """Return the headline and one line per problem."""
        count = len(self.problems)
        head = f"{self.source}: " if self.source else ""
        lines = [f"{head}{count} problem{'s' if count != 1 else ''}"]
        lines += [f"  {problem}" for problem in self.problems]
        return "\n".join(lines)

    def __reduce__(self) -> tuple[type[VarmeError], tuple[tuple[Problem, ...], str]]:
        return (type(self), (self.problems, self.source))


class InputError(VarmeError):
    """The study file or an argument is wrong (P1xx)."""

    exit_code = 2


class DataError(VarmeError):
    """A series or a table of data is unfit (P2xx)."""

    exit_code = 3


class ModelError(VarmeError):
    """The model has no answer (P3xx)."""

    exit_code = 4


class SolverError(VarmeError):
    """The solver failed, or its answer did not pass the re-check (P4xx)."""

    exit_code = 5


class RunError(VarmeError):
    """Running, saving or loading failed (P5xx)."""

    exit_code = 6


class Collector:
    """Collects problems, so that all are reported at once.

    >>> problems = Collector()
    >>> problems.add("P101", "units.A.ramp_share", "must be > 0", value="-1")
    >>> len(problems)
    1
    """

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def __len__(self) -> int:
        return len(self.problems)

    def add(
        self, code: str, where: str, what: str, *, value: object = "", limit: str = "", remedy: str = ""
    ) -> None:
        """Add one problem; see :class:`Problem` for the parts."""
        text = value if isinstance(value, str) else repr(value)
        self.problems.append(Problem(code, where, what, text, limit, remedy))

    def raise_if_any(self, error: type[VarmeError] = InputError, source: str = "") -> None:
        """Raise ``error`` with everything collected; do nothing if nothing was.

        Raises:
            VarmeError: of the class given.
        """
        if self.problems:
            raise error(self.problems, source)
