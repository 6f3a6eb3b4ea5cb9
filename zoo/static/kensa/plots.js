/* Kensa: draws plots from JSON. Each [data-plot] holds the address; colours are names of the stylesheet's variables, so a
   plot follows the theme. Without this script the table under each plot says the same. */
(() => {
  "use strict";
  const words = document.documentElement.lang.startsWith("ja")
    ? { svg: "SVG", failed: "図を読み込めませんでした。下の表をご覧ください。" }
    : { svg: "SVG", failed: "The plot could not be loaded; the table below says the same." };
  const drawn = new Map(); // element -> what the server sent

  /* "--p1" or "--p1/0.15" anywhere in the content becomes the colour it names in this theme */
  const painted = (content, style) => {
    if (typeof content === "string") {
      const named = /^(--[a-z0-9-]+)(?:\/([\d.]+))?$/.exec(content);
      if (!named) return content;
      const colour = style.getPropertyValue(named[1]).trim();
      if (!named[2] || !/^#[0-9a-f]{6}$/i.test(colour)) return colour;
      const part = (at) => parseInt(colour.slice(at, at + 2), 16);
      return `rgba(${part(1)},${part(3)},${part(5)},${named[2]})`;
    }
    if (Array.isArray(content)) return content.map((item) => painted(item, style));
    if (content && typeof content === "object") return Object.fromEntries(Object.entries(content).map(([key, value]) => [key, painted(value, style)]));
    return content;
  };

  const axis = (own, style) => ({
    gridcolor: "--rule", zerolinecolor: "--rule", linecolor: "--edge", tickcolor: "--edge", automargin: true, fixedrange: true, ...own,
    title: own && own.title ? { standoff: 12, ...own.title } : undefined,
  });

  function frame(figure, style, narrow) {
    const layout = {
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", dragmode: false, hovermode: "closest", height: 380,
      margin: { l: 8, r: 12, t: 8, b: 8 }, showlegend: figure.data.filter((trace) => trace.showlegend !== false && trace.name).length > 1,
      legend: { orientation: "h", y: -0.22, yanchor: "top", x: 0, xanchor: "left" },
      hoverlabel: { bgcolor: "--raised", bordercolor: "--edge", font: { color: "--ink" } },
      ...figure.layout,
    };
    for (const name of Object.keys(layout).filter((key) => /^[xy]axis\d*$/.test(key))) layout[name] = axis(layout[name], style);
    if (layout.showlegend) layout.legend.y = -90 / layout.height;
    layout.font = { family: style.fontFamily || "system-ui, sans-serif", size: narrow ? 12 : 13, color: "--ink-2" };
    return painted(layout, style);
  }

  function draw(box) {
    const figure = drawn.get(box);
    const style = getComputedStyle(document.documentElement);
    const narrow = box.clientWidth < 480;
    const layout = frame(figure, style, narrow);
    layout.font.family = getComputedStyle(document.body).fontFamily;
    return window.Plotly.react(box, painted(figure.data, style), layout, { displayModeBar: false, responsive: true, doubleClick: false });
  }

  async function save(box) {
    const style = getComputedStyle(document.documentElement);
    await window.Plotly.relayout(box, { paper_bgcolor: style.getPropertyValue("--paper").trim() });
    const address = await window.Plotly.toImage(box, { format: "svg", width: Math.max(box.clientWidth, 640), height: box.clientHeight });
    const text = decodeURIComponent(address.slice(address.indexOf(",") + 1));
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "image/svg+xml" }));
    link.download = box.dataset.name + ".svg";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    await window.Plotly.relayout(box, { paper_bgcolor: "rgba(0,0,0,0)" });
  }

  async function show(box) {
    try {
      const answer = await fetch(box.dataset.plot, { credentials: "same-origin" });
      if (!answer.ok) throw new Error(answer.status);
      drawn.set(box, await answer.json());
      box.replaceChildren();
      await draw(box);
      box.classList.add("drawn");
      const button = document.createElement("button");
      button.type = "button";
      button.className = "btn small";
      button.textContent = words.svg;
      button.append(Object.assign(document.createElement("span"), { className: "vh", textContent: " " + box.dataset.name }));
      button.addEventListener("click", () => save(box));
      box.parentElement.querySelector(".plot-saves").prepend(button);
    } catch {
      box.textContent = words.failed;
      box.classList.add("drawn");
    }
  }

  const boxes = Array.from(document.querySelectorAll("[data-plot]"));
  const seen = new IntersectionObserver((entries) => {
    for (const entry of entries) if (entry.isIntersecting) { seen.unobserve(entry.target); show(entry.target); }
  }, { rootMargin: "600px" });
  boxes.forEach((box) => seen.observe(box));
  window.addEventListener("beforeprint", () => boxes.forEach((box) => { if (!drawn.has(box)) { seen.unobserve(box); show(box); } }));

  const again = () => drawn.forEach((_figure, box) => { if (box.classList.contains("drawn")) draw(box); });
  new MutationObserver(again).observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
})();
