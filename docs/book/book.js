// Replace the picture of each chart by the chart itself, without a request to anywhere else.
const here = document.currentScript.src;
const charts = [...document.querySelectorAll("div.chart")];

function draw() {
  for (const chart of charts) {
    const spec = JSON.parse(chart.querySelector("script").textContent);
    const place = document.createElement("div");
    vegaEmbed(place, spec, {actions: false, renderer: "canvas"}).then(() => {
      chart.querySelector("img")?.remove();
      chart.prepend(place);
      place.setAttribute("role", "group");
      place.setAttribute("aria-label", chart.dataset.alt || spec.description || "chart");
    }, error => console.error(error));
  }
}

if (charts.length) {
  const script = document.createElement("script");
  script.src = new URL("vega/vega-embed-full.js", here).href;
  script.onload = draw;
  document.head.append(script);
}
