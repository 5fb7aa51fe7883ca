/* varme: draws chart options (report/browser.py) with ECharts. Gives one global, `varmeCharts`. */
(function () {
  "use strict";
  const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif';
  const LIGHT = {text: "#1d2733", soft: "#5b6775", line: "#c9d0d8", grid: "#e8ebef", paper: "#ffffff", limit: "#8a1c1c"};
  const DARK = {text: "#e6eaef", soft: "#a3adb9", line: "#4a5563", grid: "#2c343e", paper: "#171c22", limit: "#ff9b8f"};
  const BLOCKS = 500; // intervals of a stacked area at one zoom
  const SIZES = [1, 2, 3, 4, 6, 8, 12, 24, 48, 96, 168, 336, 672]; // hours (or steps) over which means are taken
  const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

  /* ---- packed columns ---- */
  function unpackColumn(column) {
    if (Array.isArray(column)) return column;
    const out = [column.first];
    let value = column.first;
    for (const [step, count] of column.runs) {
      for (let i = 0; i < count; i++) { value += step; out.push(value); }
    }
    return out;
  }
  function unpack(option, columns) {
    const cache = unpack.cache || (unpack.cache = new Map());
    const list = (v) => {
      if (!v || Array.isArray(v)) return v;
      if (!cache.has(v.$)) cache.set(v.$, unpackColumn(columns[v.$]));
      return cache.get(v.$);
    };
    const dataset = (d) => ({
      name: d.name,
      source: Object.fromEntries(Object.entries(d.source).map(([key, v]) => [key, list(v)])),
    });
    const out = Object.assign({}, option);
    if (option.dataset) out.dataset = Array.isArray(option.dataset) ? option.dataset.map(dataset) : dataset(option.dataset);
    out.varme = Object.assign({}, option.varme, {utc: list(option.varme.utc)});
    return out;
  }

  /* ---- numbers and times ---- */
  function number(value, unit) {
    if (value === null || value === undefined || Number.isNaN(value)) return "\u2013";
    const size = Math.abs(value);
    const decimals = size === 0 ? 0 : Math.min(9, Math.max(0, 4 - Math.floor(Math.log10(size))));
    const text = value.toLocaleString("en-GB", {maximumFractionDigits: decimals}).replace("-", "\u2212");
    return unit ? text + "\u00a0" + unit : text;
  }
  function compact(value) {
    const size = Math.abs(value);
    if (size >= 1e6) return number(value / 1e6) + "M";
    return number(value);
  }
  const formats = new Map();
  function localTime(ms, zone) {
    if (!formats.has(zone)) {
      const parts = {
        weekday: "short", day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit",
        hourCycle: "h23", timeZoneName: "short", timeZone: zone,
      };
      let format;
      try { format = new Intl.DateTimeFormat("en-GB", parts); } catch (e) {
        format = new Intl.DateTimeFormat("en-GB", Object.assign(parts, {timeZone: "UTC"}));
      }
      formats.set(zone, format);
    }
    return formats.get(zone).format(ms);
  }
  const escape = (text) => echarts.format.encodeHTML(String(text));

  /* ---- stacked areas of long series: means over blocks, finer inside the zoom window ---- */
  function resample(source, from, to, perHour) {
    const keys = Object.keys(source).filter((key) => key !== "x");
    const n = source.x.length - 1; // the last row only holds the end of the last interval
    const blocks = [];
    const cut = (a, b, size) => { for (let i = a; i < b; i += size) blocks.push([i, Math.min(i + size, b)]); };
    const size = (count) => {
      if (count <= BLOCKS) return 1;
      const nice = SIZES.map((hours) => hours * perHour).find((rows) => rows >= 1 && Number.isInteger(rows) && count / rows <= BLOCKS);
      return nice || Math.ceil(count / BLOCKS);
    };
    const coarse = size(n), fine = size(to - from);
    if (fine === coarse) cut(0, n, coarse);
    else {
      const a = Math.floor(from / coarse) * coarse, b = Math.min(n, Math.ceil(to / coarse) * coarse);
      cut(0, a, coarse); cut(a, b, fine); cut(b, n, coarse);
    }
    const out = {x: blocks.map(([a]) => source.x[a]).concat([source.x[n]])};
    for (const key of keys) {
      const values = source[key];
      const means = blocks.map(([a, b]) => {
        let sum = 0, count = 0;
        for (let i = a; i < b; i++) if (values[i] !== null) { sum += values[i]; count++; }
        return count ? sum / count : null;
      });
      out[key] = means.concat([means[means.length - 1]]);
    }
    return {source: out, rows: blocks.map(([a]) => a).concat([n - 1]), fine: fine};
  }

  /* Stacked areas are drawn as running totals, each from the axis up and the lowest in front, so that no gaps show
     between them (ECharts leaves out steps of less than a pixel, on both sides of a border differently). */
  const painted = (option) => option.varme.kind === "stack" && option.xAxis.type !== "category";
  function shown(state) {
    const option = state.option;
    if (!painted(option)) return state.source;
    const n = state.source.x.length, above = new Float64Array(n), below = new Float64Array(n), out = {x: state.source.x};
    for (const s of option.series) {
      const key = s.encode.y, values = state.source[key];
      if (s.yAxisIndex === 1 || state.hidden.has(s.name)) { out[key] = values; continue; }
      out[key] = values.map((v, i) => (v < 0 ? (below[i] += v) : (above[i] += v || 0)));
    }
    return out;
  }
  function lifted(colour, theme) {
    if (theme !== DARK || !/^#[0-9a-f]{6}/i.test(colour)) return colour;
    const parts = [1, 3, 5].map((i) => parseInt(colour.slice(i, i + 2), 16));
    const light = 0.3 * parts[0] + 0.59 * parts[1] + 0.11 * parts[2];
    if (light > 105) return colour;
    const share = (105 - light) / (255 - light);
    return "#" + parts.map((p) => Math.round(p + (255 - p) * share).toString(16).padStart(2, "0")).join("") + colour.slice(7);
  }

  const night = () => window.matchMedia("(prefers-color-scheme: dark)").matches;

  /* ---- tooltips ---- */
  function head(state, row) {
    const meta = state.option.varme;
    const raw = Math.min(state.rows ? state.rows[row] : row, meta.rows - 1);
    if (meta.utc) return localTime(meta.utc[raw], meta.zone);
    const x = state.option.dataset.source.x[raw];
    return typeof x === "number" ? meta.x_head.replace(/ \[.*\]$/, "") + " " + number(x) : x;
  }
  function entry(colour, name, value) {
    const dot = `<span style="display:inline-block;width:9px;height:9px;border-radius:2px;margin-right:6px;background:${colour}"></span>`;
    return `<div style="display:flex;justify-content:space-between;gap:18px"><span>${colour ? dot : ""}${escape(name.length > 60 ? name.slice(0, 59) + "\u2026" : name)}</span>` +
      `<b style="font-variant-numeric:tabular-nums;white-space:nowrap">${escape(value)}</b></div>`;
  }
  const bold = (text) => `<div style="font-weight:600;margin-bottom:4px">${escape(String(text).slice(0, 90))}</div>`;
  function axisTip(state, items) {
    const meta = state.option.varme;
    if (!items.length) return "";
    const shown = [];
    let total = 0;
    const row = items[0].dataIndex; // each series may be sampled at other points: all are read at the same row
    for (const s of state.option.series) {
      const value = state.source[s.encode.y][row];
      if (state.hidden.has(s.name) || value === null || value === undefined) continue;
      if (meta.stacked && s.yAxisIndex !== 1) { total += value; if (value === 0) continue; }
      shown.push([lifted(s.itemStyle.color, night() ? DARK : LIGHT), s.name, number(value, meta.units[s.name])]);
    }
    const title = head(state, row) + (state.fine > 1 ? `, mean of ${number(state.hours)} h` : "");
    if (meta.stacked) shown.reverse();
    const rest = shown.length - 24;
    let html = bold(title) + shown.slice(0, 24).map((s) => entry(s[0], s[1], s[2])).join("");
    if (rest > 0) html += `<div>and ${rest} more</div>`;
    if (meta.stacked && shown.length > 1) html += entry("", "Total", number(total, Object.values(meta.units)[0]));
    return html;
  }
  function itemTip(state, item) {
    const option = state.option, meta = option.varme, row = item.dataIndex;
    const source = Array.isArray(option.dataset) ? option.dataset[item.seriesIndex].source : option.dataset.source;
    if (meta.kind === "heatmap") {
      const unit = meta.units[item.seriesName], x = option.xAxis, y = option.yAxis;
      return bold(item.seriesName.replace(/ \[.*\]$/, "")) + entry("", "", number(source.v[row], unit)) +
        entry("", x.name, String(x.data[source.x[row]])) + entry("", y.name, y.data[source.y[row]]);
    }
    if (meta.kind === "box") {
      const keys = option.series[item.seriesIndex].encode.y, heads = ["5 %", "25 %", "median", "75 %", "95 %"];
      const unit = meta.units[item.seriesName];
      return bold(source.x[row] + " \u00b7 " + item.seriesName) +
        keys.map((key, i) => entry("", heads[i], number(source[key][row], unit))).reverse().join("");
    }
    if (meta.kind === "scatter") {
      const x = source.x[row];
      const text = meta.x === "time" ? new Date(x).toISOString().slice(0, 16).replace("T", " ") :
        typeof x === "number" ? number(x, meta.x_unit) : x;
      return bold(item.seriesName) + entry("", option.xAxis.name, text) +
        entry("", option.yAxis.name, number(source.y[row], meta.units[item.seriesName]));
    }
    const name = item.dataType === "edge" ? item.data.source + " \u2192 " + item.data.target : item.name;
    return entry("", name, number(item.value, meta.unit));
  }

  /* ---- layout and colours, by width and theme ---- */
  function tick(value) {
    const t = new Date(value);
    if (t.getUTCHours() || t.getUTCMinutes()) return t.toISOString().slice(11, 16);
    if (t.getUTCDate() > 1) return t.getUTCDate() + " " + MONTHS[t.getUTCMonth()];
    return t.getUTCMonth() ? MONTHS[t.getUTCMonth()] : "{b|" + t.getUTCFullYear() + "}";
  }
  function axisLook(axis, theme, isX, width) {
    const label = Object.assign({}, axis.axisLabel, {color: theme.soft, fontFamily: FONT, fontSize: 12, hideOverlap: true});
    const out = Object.assign({}, axis, {
      axisLine: Object.assign({}, axis.axisLine, {show: isX, lineStyle: {color: theme.line}}), axisTick: Object.assign({}, axis.axisTick, {show: isX && (axis.type !== "value" || !!axis.axisTick), lineStyle: {color: theme.line}}),
      splitLine: Object.assign({show: !isX, lineStyle: {color: theme.grid}}, axis.splitLine), axisLabel: label,
    });
    if (isX) {
      Object.assign(out, {nameLocation: "middle", nameGap: 30, nameTextStyle: {color: theme.soft, fontFamily: FONT, fontSize: 12}});
      if (axis.type === "category") {
        const longest = Math.max(0, ...axis.data.map((text) => text.length));
        const room = (width - 120) / Math.max(1, axis.data.length) / 7;
        if (longest > room && longest > 4 && axis.data.length <= 40) {
          label.rotate = 40;
          out.nameGap = 16 + Math.min(longest, 18) * 4.8;
        }
        label.formatter = (text) => (text.length > 18 ? text.slice(0, 17) + "\u2026" : text);
      }
    } else {
      out.name = "";
      if (axis.type === "category") label.formatter = (text) => (text.length > 18 ? text.slice(0, 17) + "\u2026" : text);
    }
    if (axis.type === "value") { label.formatter = compact; if (isX) out.splitNumber = width < 500 ? 4 : 8; }
    if (axis.type === "time") {
      label.formatter = tick;
      label.rich = {b: {fontWeight: 600, color: theme.text}};
      if (width < 500) out.splitNumber = 4;
    }
    return out;
  }
  function dress(state, width, height, look) {
    const option = state.option, meta = option.varme, theme = look.dark ? DARK : LIGHT;
    const out = Object.assign({}, option);
    delete out.varme;
    if (state.source && !Array.isArray(option.dataset)) out.dataset = {source: shown(state)};
    const narrow = width < 600;
    const side = !narrow && option.legend.show && option.legend.data.length > 8;
    const base = {color: theme.soft, fontFamily: FONT, fontSize: 12};
    let top = look.title ? 64 : 4;
    out.backgroundColor = look.solid ? theme.paper : "transparent";
    out.textStyle = {fontFamily: FONT, color: theme.text};
    out.title = [];
    if (look.title) out.title.push({text: meta.title, left: 8, top: 12, textStyle: {color: theme.text, fontFamily: FONT, fontSize: 20, fontWeight: 600, width: width - 40, overflow: "truncate"}});
    const rowsOfLegend = Math.max(1, Math.floor((height - top - 40) / 16));
    const legendColumns = side && look.still ? Math.ceil(option.legend.data.length / rowsOfLegend) : 1;
    out.legend = Object.assign({}, option.legend, look.still ? {type: "plain"} : {}, {
      selected: Object.fromEntries([...state.hidden].map((name) => [name, false])),
      textStyle: Object.assign({}, base, {color: theme.text}), itemStyle: {opacity: 1}, itemWidth: 14, itemHeight: 10, itemGap: side ? (look.still ? 3 : 7) : 14, icon: "roundRect",
      pageTextStyle: base, pageIconColor: theme.text, pageIconInactiveColor: theme.line, pageIconSize: 11,
    });
    if (option.legend.show) {
      const second = new Set(option.series.filter((s) => s.yAxisIndex === 1).map((s) => s.name));
      const cut = (text) => (text.length > 22 ? text.slice(0, 21) + "\u2026" : text) + (second.has(text) ? " (right)" : "");
      if (side) Object.assign(out.legend, {orient: "vertical", right: 0, top: top + 20, bottom: 10, formatter: cut, tooltip: {show: true}});
      else { Object.assign(out.legend, {left: 0, top: top, right: 8, formatter: cut}); top += 28; }
      if (side && meta.stacked) out.legend.data = option.legend.data.slice().reverse();
    }
    const yAxes = option.yAxis ? (Array.isArray(option.yAxis) ? option.yAxis : [option.yAxis]) : [];
    const right = side ? Math.min(190, 44 + 7 * Math.max(...option.legend.data.map((t) => Math.min(t.length, 22)))) * legendColumns : 12;
    if (yAxes.some((axis) => axis.name)) {
      const label = {color: theme.soft, fontFamily: FONT, fontSize: 12, fontWeight: "normal"};
      out.title.push({text: yAxes[0].name, left: 0, top: top - 2, padding: [2, 4], textStyle: label});
      if (yAxes[1]) out.title.push({text: yAxes[1].name, right: side ? right - 10 : 0, top: top - 2, padding: [2, 4], textStyle: label});
      top += 28;
    }
    if (option.yAxis) {
      const axes = yAxes.map((axis) => axisLook(axis, theme, false, width));
      out.yAxis = Array.isArray(option.yAxis) ? axes : axes[0];
      out.xAxis = axisLook(option.xAxis, theme, true, width);
      out.grid = {left: 4, right: side ? right : 16, top: top, bottom: 34, outerBoundsMode: "same", outerBoundsContain: "axisLabel", containLabel: true};
      out.grid.bottom = out.xAxis.axisLabel.rotate ? 28 : 30;
    }
    if (meta.kind === "heatmap") {
      const cells = {color: theme.text, fontFamily: FONT};
      const size = Math.max(Math.abs(option.visualMap.min), Math.abs(option.visualMap.max));
      const digits = Math.min(6, Math.max(0, 2 - Math.floor(Math.log10(size || 1))));
      const short = (v) => v.toLocaleString("en-GB", {minimumFractionDigits: digits, maximumFractionDigits: digits}).replace("-", "\u2212");
      out.visualMap = Object.assign({}, option.visualMap, {textStyle: Object.assign({}, base), formatter: short, itemWidth: 14});
      if (narrow) { Object.assign(out.visualMap, {orient: "horizontal", left: "center", bottom: 0, itemHeight: 120}); out.grid.bottom += 64; }
      else { Object.assign(out.visualMap, {orient: "vertical", right: 6, top: 34, text: ["", ""]}); out.grid.right = 96; }
      if (!narrow) out.title.push({text: option.visualMap.text[0], right: 0, top: out.title.length ? top - 30 : 0, padding: [2, 4], textStyle: {color: theme.soft, fontFamily: FONT, fontSize: 12, fontWeight: "normal"}});
      const source = option.dataset.source, middle = (option.visualMap.min + option.visualMap.max) / 2;
      out.series = option.series.map((s) => Object.assign({}, s, {
        itemStyle: {borderColor: theme.paper, borderWidth: s.label.show ? 1 : 0},
        label: {
          show: s.label.show && width / Math.max(1, option.xAxis.data.length) > 46, fontFamily: FONT, fontSize: 11,
          formatter: (item) => { const v = source.v[item.dataIndex]; return v > middle ? "{d|" + short(v) + "}" : "{l|" + short(v) + "}"; },
          rich: {d: {color: "#10141a", fontSize: 11}, l: {color: "#ffffff", fontSize: 11}},
        },
      }));
      out.textStyle = cells;
    } else if (meta.kind === "sankey") {
      out.series = option.series.map((s) => Object.assign({}, s, {
        left: 8, right: narrow ? 90 : 150, top: top + 8, bottom: 12,
        data: s.data.map((node) => Object.assign({}, node, {itemStyle: {color: lifted(node.itemStyle.color, theme)}})),
        label: {color: theme.text, fontFamily: FONT, fontSize: 12, width: narrow ? 84 : 140, overflow: "truncate", textBorderWidth: 0},
      }));
    } else {
      out.series = option.series.map((s, place) => {
        const look2 = Object.assign({}, s);
        for (const part of ["itemStyle", "lineStyle", "areaStyle"]) {
          if (!s[part]) continue;
          look2[part] = Object.assign({}, s[part]);
          for (const key of ["color", "borderColor"]) if (s[part][key]) look2[part][key] = lifted(s[part][key], theme);
        }
        if (painted(option) && s.yAxisIndex !== 1) {
          delete look2.stack;
          Object.assign(look2, {z: 2 + (option.series.length - place) / 1000, lineStyle: {width: 0}});
          look2.areaStyle.origin = 0;
        } else look2.z = 4;
        if (s.markLine) look2.markLine = Object.assign({}, s.markLine, {
          lineStyle: {type: "dashed", color: theme.limit, width: 1.2}, label: Object.assign({}, s.markLine.label, {color: theme.limit, fontFamily: FONT, fontSize: 11, backgroundColor: theme.paper, padding: [1, 3], borderRadius: 2}),
        });
        return look2;
      });
    }
    out.tooltip = Object.assign({}, option.tooltip, {
      confine: true, extraCssText: "max-width: min(460px, 92vw); white-space: normal; overflow-wrap: anywhere;", backgroundColor: theme.paper, borderColor: theme.line, padding: [8, 12],
      textStyle: {color: theme.text, fontFamily: FONT, fontSize: 12.5},
      formatter: option.tooltip.trigger === "axis" ? (items) => axisTip(state, items) : (item) => itemTip(state, item),
      axisPointer: {type: /bars/.test(meta.kind) ? "shadow" : "line", lineStyle: {color: theme.soft}, shadowStyle: {color: theme.grid, opacity: 0.4}},
    });
    const zoomed = option.dataZoom.length > 0 && !look.still;
    out.dataZoom = zoomed ? option.dataZoom.filter((z) => z.type === "slider" || !narrow).map((z) => (z.type === "slider" ? Object.assign({}, z, {
      bottom: 4, height: 22, borderColor: "transparent", backgroundColor: theme.grid, fillerColor: look.dark ? "rgba(120,150,190,.25)" : "rgba(0,114,178,.14)",
      dataBackground: {lineStyle: {opacity: 0}, areaStyle: {opacity: 0}}, selectedDataBackground: {lineStyle: {opacity: 0}, areaStyle: {opacity: 0}},
      moveHandleSize: 0, handleStyle: {color: theme.soft, borderColor: theme.soft}, handleSize: "80%", showDetail: false, brushSelect: false,
      left: 12, right: side ? right : 16, start: state.start, end: state.end,
    }) : Object.assign({}, z, {start: state.start, end: state.end}))) : [];
    if (zoomed) out.grid.bottom += 34;
    if (look.still && option.dataZoom.length && (state.start > 0 || state.end < 100)) out.dataZoom = [{type: "inside", start: state.start, end: state.end}];
    return out;
  }


  /* ---- a chart in the page ---- */
  function prepare(option) {
    const state = {option: option, start: 0, end: 100, source: Array.isArray(option.dataset) ? null : option.dataset.source, rows: null, fine: 1, hidden: new Set()};
    if (option.varme.resample) sample(state);
    return state;
  }
  function sample(state) {
    const source = state.option.dataset.source, n = state.option.varme.rows, x = source.x;
    const span = x[x.length - 1] - x[0], row = (percent) => {
      const goal = x[0] + span * percent / 100;
      let low = 0, high = n;
      while (low < high) { const mid = (low + high) >> 1; if (x[mid] < goal) low = mid + 1; else high = mid; }
      return low;
    };
    const utc = state.option.varme.utc, perHour = utc && n > 1 ? 3600000 / (utc[1] - utc[0]) : 1;
    const done = resample(source, Math.max(0, row(state.start) - 1), Math.min(n, row(state.end) + 1), perHour);
    done.hours = done.fine / perHour;
    Object.assign(state, done);
  }
  function attach(element, option, dark) {
    const state = prepare(option);
    const chart = echarts.init(element, null, {renderer: "canvas"});
    const show = () => chart.setOption(dress(state, element.clientWidth, element.clientHeight, {dark: dark()}), {notMerge: true});
    show();
    let waiting = null;
    chart.on("datazoom", () => {
      clearTimeout(waiting);
      waiting = setTimeout(() => {
        const zoom = chart.getOption().dataZoom[0];
        state.start = zoom.start; state.end = zoom.end;
        if (!option.varme.resample) return;
        sample(state);
        chart.setOption({dataset: {source: shown(state)}});
      }, 120);
    });
    chart.on("legendselectchanged", (event) => {
      state.hidden = new Set(Object.keys(event.selected).filter((name) => !event.selected[name]));
      if (painted(option)) chart.setOption({dataset: {source: shown(state)}});
    });
    return {chart: chart, state: state, show: show, resize: () => { chart.resize(); show(); }};
  }
  function image(state, width, height, title, ratio) {
    const box = document.createElement("div");
    box.style.cssText = `position:absolute;left:-9999px;top:0;width:${width}px;height:${height}px`;
    document.body.appendChild(box);
    const chart = echarts.init(box, null, {renderer: "canvas", devicePixelRatio: ratio, width: width, height: height});
    chart.setOption(dress(state, width, height, {dark: false, solid: true, still: true, title: title}));
    const url = chart.getDataURL({type: "png", pixelRatio: ratio, backgroundColor: "#ffffff"});
    chart.dispose();
    box.remove();
    return url;
  }

  /* ---- data ---- */
  function rows(option) {
    const meta = option.varme, out = [];
    if (Array.isArray(option.dataset)) {
      out.push(["series"].concat(meta.columns.map((c) => c.head)));
      for (const d of option.dataset) {
        d.source.x.forEach((x, i) => out.push([d.name, meta.x === "time" ? new Date(x).toISOString().slice(0, 19) : x, d.source.y[i]]));
      }
      return out;
    }
    const source = option.dataset.source, withX = meta.x_head !== undefined;
    const first = meta.utc ? ["time_utc", "local time (" + meta.zone + ")"] : withX ? [meta.x_head] : [];
    out.push(first.concat(meta.columns.map((c) => c.head)));
    for (let i = 0; i < meta.rows; i++) {
      const row = meta.utc ? [new Date(meta.utc[i]).toISOString().slice(0, 19) + "Z", localTime(meta.utc[i], meta.zone)] : withX ? [source.x[i]] : [];
      for (const c of meta.columns) {
        const value = source[c.key][i];
        row.push(c.texts ? option[c.texts + "Axis"].data[value] : value);
      }
      out.push(row);
    }
    return out;
  }
  function csv(table) {
    const cell = (v) => {
      if (v === null || v === undefined) return "";
      const text = String(v);
      return /[",\r\n]/.test(text) ? '"' + text.replace(/"/g, '""') + '"' : text;
    };
    return table.map((row) => row.map(cell).join(",")).join("\r\n") + "\r\n";
  }

  window.varmeCharts = {unpack: unpack, attach: attach, prepare: prepare, image: image, rows: rows, csv: csv, resample: resample};
})();
