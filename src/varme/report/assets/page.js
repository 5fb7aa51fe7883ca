/* varme: the report page: draws charts as they come into view, hands out data and images, prepares for print. */
(function () {
  "use strict";
  const read = (id) => JSON.parse(document.getElementById(id).textContent);
  const columns = read("varme-columns"), options = read("varme-charts");
  const night = window.matchMedia("(prefers-color-scheme: dark)");
  const drawn = new Map();
  const unpacked = new Map();
  const option = (name) => {
    if (!unpacked.has(name)) unpacked.set(name, varmeCharts.unpack(options[name], columns));
    return unpacked.get(name);
  };
  document.documentElement.classList.add("alive");

  function draw(element) {
    const name = element.dataset.chart;
    if (drawn.has(name) || !options[name]) return;
    drawn.set(name, varmeCharts.attach(element, option(name), () => night.matches));
    element.dataset.drawn = "yes";
  }
  const places = [...document.querySelectorAll(".chart[data-chart]")];
  const near = new IntersectionObserver((entries) => {
    for (const entry of entries) if (entry.isIntersecting) { near.unobserve(entry.target); draw(entry.target); }
  }, {rootMargin: "500px 0px"});
  places.forEach((element) => near.observe(element));

  let waiting = null, width = window.innerWidth;
  window.addEventListener("resize", () => {
    if (window.innerWidth === width) return;
    width = window.innerWidth;
    clearTimeout(waiting);
    waiting = setTimeout(() => drawn.forEach((d) => d.resize()), 150);
  });
  night.addEventListener("change", () => drawn.forEach((d) => d.show()));

  /* ---- data and images ---- */
  function save(url, file) {
    const link = document.createElement("a");
    link.href = url;
    link.download = file;
    document.body.appendChild(link);
    link.click();
    link.remove();
  }
  const dialog = document.getElementById("data");
  const number = (v) => typeof v === "number" ? v.toLocaleString("en-GB", {maximumFractionDigits: 6}) : v === null || v === undefined ? "\u2013" : v;
  function showData(name) {
    const opt = option(name), table = varmeCharts.rows(opt);
    dialog.querySelector("h2").textContent = opt.varme.title;
    const count = table.length - 1, shown = Math.min(count, 100);
    dialog.querySelector(".count").textContent = count.toLocaleString("en-GB") + " rows" + (shown < count ? "; the first " + shown + " are shown" : "");
    const grid = dialog.querySelector("table");
    grid.textContent = "";
    table.slice(0, shown + 1).forEach((cells, i) => {
      const row = grid.insertRow();
      cells.forEach((value) => {
        const cell = document.createElement(i ? "td" : "th");
        if (!i) cell.scope = "col";
        cell.textContent = i ? number(value) : value;
        if (typeof value === "number" && i) cell.className = "number";
        row.appendChild(cell);
      });
    });
    dialog.querySelector(".save").onclick = () => {
      const blob = new Blob(["\ufeff" + varmeCharts.csv(table)], {type: "text/csv"});
      const url = URL.createObjectURL(blob);
      save(url, name + ".csv");
      setTimeout(() => URL.revokeObjectURL(url), 10000);
    };
    dialog.showModal();
    dialog.querySelector(".scroll").scrollTop = 0;
  }
  const state = (name) => (drawn.has(name) ? drawn.get(name).state : varmeCharts.prepare(option(name)));
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-for]");
    if (!button) return;
    const name = button.dataset.for;
    if (button.classList.contains("show-data")) showData(name);
    else save(varmeCharts.image(state(name), 1600, 900, true, 1.5), name + ".png");
  });
  dialog.querySelector(".close").onclick = () => dialog.close();
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });

  /* ---- print: charts as images, everything open ---- */
  let opened = [];
  function prepare() {
    opened = [...document.querySelectorAll("details:not([open])")].filter((d) => !d.classList.contains("screen"));
    opened.forEach((d) => { d.open = true; });
    for (const element of places) {
      if (!options[element.dataset.chart] || element.nextElementSibling?.classList.contains("printed")) continue;
      const picture = document.createElement("img");
      picture.className = "printed";
      picture.alt = element.getAttribute("aria-label");
      picture.src = varmeCharts.image(state(element.dataset.chart), 920, /stack|heatmap|sankey/.test(element.className) ? 370 : 300, false, 2);
      element.after(picture);
    }
  }
  function restore() {
    opened.forEach((d) => { d.open = false; });
    document.querySelectorAll("img.printed").forEach((picture) => picture.remove());
  }
  window.addEventListener("beforeprint", prepare);
  window.addEventListener("afterprint", restore);
  window.varmePage = {prepare: prepare, restore: restore, drawn: drawn};

  /* ---- where one is in the page ---- */
  const links = new Map([...document.querySelectorAll("nav.side a")].map((a) => [a.hash.slice(1), a]));
  const here = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      links.forEach((a) => a.removeAttribute("aria-current"));
      links.get(entry.target.id)?.setAttribute("aria-current", "true");
    }
  }, {rootMargin: "-10% 0px -75% 0px"});
  document.querySelectorAll("main section[id]").forEach((section) => here.observe(section));
})();
