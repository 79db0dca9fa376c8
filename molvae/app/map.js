// A map by plotly: hover draws the structure, click or lasso selects. Texts are set as text, never as markup.
const GREY = "#9a9a9a";

export default function (component) {
  const { data, parentElement, setStateValue } = component;
  const chart = parentElement.querySelector(".chart");
  const hint = parentElement.querySelector(".hint");
  let gone = false;
  load(data.script).then((Plotly) => {
    if (gone) return;
    Plotly.react(chart, [trace(data)], layout(data), {
      responsive: true,
      scrollZoom: true,
      displaylogo: false,
      plotGlPixelRatio: window.devicePixelRatio,
      modeBarButtons: [["pan2d", "lasso2d", "select2d", "zoomIn2d", "zoomOut2d", "resetScale2d"]],
    });
    chart.removeAllListeners("plotly_hover");
    chart.removeAllListeners("plotly_unhover");
    chart.removeAllListeners("plotly_click");
    chart.removeAllListeners("plotly_selected");
    chart.removeAllListeners("plotly_deselect");
    const rows = (points) => points.map((point) => point.pointIndex);
    const tell = (chosen) => setStateValue("selected", chosen);
    chart.on("plotly_hover", (event) => point(hint, chart, data, event));
    chart.on("plotly_unhover", () => (hint.hidden = true));
    chart.on("plotly_selected", (event) => event && event.points.length && tell(rows(event.points)));
    chart.on("plotly_deselect", () => tell([]));
    chart.on("plotly_click", (event) => {
      const own = new Set(chart.data[0].selectedpoints || []);
      for (const row of rows(event.points)) own.has(row) ? own.delete(row) : own.add(row);
      Plotly.restyle(chart, { selectedpoints: [own.size ? [...own] : null] });
      tell([...own]);
    });
    chart.dataset.ready = "yes";
  });
  return () => {
    gone = true;
  };
}

function load(address) {
  window.molvaePlotly ??= new Promise((done, fail) => {
    const script = document.createElement("script");
    script.src = address;
    script.onload = () => done(window.Plotly);
    script.onerror = () => fail(new Error(`${address} cannot be read`));
    document.head.append(script);
  });
  return window.molvaePlotly;
}

function trace(data) {
  const marker = { size: data.x.length > 5000 ? 3 : 6, opacity: 0.8 };
  if (data.grouped) {
    marker.color = data.values.map((value) => (value > 0 ? data.groups[(value - 1) % data.groups.length] : GREY));
  } else {
    marker.color = data.values;
    [marker.cmin, marker.cmax] = data.limits;
    marker.colorscale = data.scale.map((colour, at) => [at / (data.scale.length - 1), colour]);
    marker.colorbar = { title: { text: data.by }, thickness: 12, outlinewidth: 0 };
  }
  return {
    type: "scattergl", mode: "markers", x: data.x, y: data.y, marker, hoverinfo: "none",
    selected: { marker: { opacity: 1, size: marker.size + 4 } }, unselected: { marker: { opacity: 0.25 } },
  };
}

function layout() {
  const axis = { showgrid: false, zeroline: false, showticklabels: false, ticks: "" };
  return {
    dragmode: "lasso", hovermode: "closest", showlegend: false, uirevision: "same", height: 540,
    margin: { l: 8, r: 8, t: 8, b: 8 }, plot_bgcolor: "#fbfbf9", paper_bgcolor: "rgba(0,0,0,0)",
    xaxis: axis, yaxis: { ...axis, scaleanchor: "x" },
    modebar: { orientation: "h", bgcolor: "rgba(255,255,255,.85)", color: "#5d6166", activecolor: "#0f6e6e" },
  };
}

function point(hint, chart, data, event) {
  const row = event.points[0].pointIndex;
  const [image, text] = hint.children;
  image.src = `${data.structure}?smiles=${encodeURIComponent(data.smiles[row])}`;
  image.alt = data.smiles[row];
  const value = data.grouped && !(data.values[row] > 0) ? "" : `${data.by} ${data.values[row]}`;
  text.textContent = [data.names[row], value].filter(Boolean).join(" · ");
  const frame = chart.getBoundingClientRect();
  const left = event.event.clientX - frame.left;
  const top = event.event.clientY - frame.top;
  hint.style.left = `${left > frame.width / 2 ? left - 216 : left + 16}px`;
  hint.style.top = `${Math.min(Math.max(top - 90, 4), frame.height - 190)}px`;
  hint.hidden = false;
}
