// Draw each chart over its picture, without a kernel and without a request to anywhere else.
const here = document.currentScript.src;
const charts = [...document.querySelectorAll("div.chart")];
const page = document.documentElement;

// A page that lies in a folder can't read others, so there search results have no excerpts.
if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;

async function draw(chart) {
  const {spec, options} = JSON.parse(chart.querySelector("script").textContent);
  const room = chart.clientWidth - 130; // labels at the left, perhaps a legend at the right
  if (typeof spec.width === "number") spec.width = Math.max(200, Math.min(spec.width, room));
  const theme = page.dataset.theme === "dark" ? "dark" : undefined;
  chart.querySelector(".place")?.remove();
  const place = document.createElement("div");
  place.className = "place";
  chart.append(place);
  await vegaEmbed(place, spec, {...options, mode: "vega-lite", renderer: "canvas", theme});
  place.querySelector("summary")?.setAttribute("aria-label", "Save this chart as a picture");
  chart.classList.add("drawn");
}

if (charts.length) {
  const script = document.createElement("script");
  script.src = new URL("vega/vega-embed-full.js", here).href;
  script.onload = () => {
    const all = () => charts.forEach(chart => draw(chart).catch(console.error));
    new MutationObserver(all).observe(page, {attributeFilter: ["data-theme"]});
    all();
  };
  document.head.append(script);
}
