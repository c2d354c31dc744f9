// Records over time, to be looked at closely: drawn by uPlot in place of the picture, from the numbers that the page names.
"use strict";
(() => {
  const page = document.getElementById("operations");
  if (!page || !page.dataset.rate || !window.uPlot) return;
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  let chart = null;

  // The part that refreshes brings the picture back; the chart's own element is put where the new part has its place.
  const draw = async () => {
    const answer = await fetch(page.dataset.rate, { headers: { accept: "application/json" } });
    if (!answer.ok) return;
    const { times, records } = await answer.json();
    const place = document.getElementById("rate-closely");
    if (!place || !times.length) return;
    const axis = { stroke: colour("--faint"), grid: { stroke: colour("--rule"), width: 1 }, ticks: { stroke: colour("--rule"), width: 1 } };
    if (!chart || chart.root.parentElement !== place) {
      if (chart) chart.destroy();
      place.hidden = false;
      document.getElementById("rate-drawn").hidden = true;
      const series = [{ value: (_, at) => at === null ? "—" : new Date(at * 1000).toISOString().slice(0, 16).replace("T", " ") }, {
        label: page.dataset.rateName, stroke: colour("--link"), fill: colour("--calm-tint"), width: 2, points: { show: false },
        paths: window.uPlot.paths.bars({ size: [0.9, 40] }),
      }];
      const options = { width: place.clientWidth, height: 220, series, axes: [axis, axis], scales: { y: { range: (_, __, most) => [0, Math.max(1, most)] } }, tzDate: (at) => window.uPlot.tzDate(new Date(at * 1000), "Etc/UTC") };
      chart = new window.uPlot(options, [times, records], place);
    } else {
      chart.setData([times, records]);
    }
  };
  draw();
  document.addEventListener("htmx:after:swap", draw);
  window.addEventListener("resize", () => { if (chart) chart.setSize({ width: chart.root.parentElement.clientWidth, height: 220 }); });
})();
