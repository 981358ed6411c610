// Draws every <table data-chart="bar|line|stack"> of the page. The table stays for screen readers: it is the chart's equal.
//
// The first column names the points, every further column is a series; its cells carry data-value="12.5" beside what is written in them.
// <th data-phase="trust"> gives a series the colour of a phase.
import { BarChart, LineChart } from "echarts/charts";
import { GridComponent, LegendComponent, TooltipComponent } from "echarts/components";
import * as echarts from "echarts/core";
import { SVGRenderer } from "echarts/renderers";
import { readTable } from "./table";
import { chartOption, readColours } from "./option";

echarts.use([BarChart, LineChart, GridComponent, LegendComponent, TooltipComponent, SVGRenderer]);

function draw(table: HTMLTableElement): void {
  const data = readTable(table);
  if (!data) return;
  const surface = document.createElement("div");
  surface.className = "chart";
  surface.setAttribute("aria-hidden", "true");
  table.before(surface);
  table.classList.add("unseen");
  const chart = echarts.init(surface, null, { renderer: "svg" });
  const paint = () => chart.setOption(chartOption(data, readColours(surface)), true);
  paint();
  new ResizeObserver(() => chart.resize()).observe(surface);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paint);
}

const drawAll = (root: ParentNode) => {
  for (const table of root.querySelectorAll<HTMLTableElement>("table[data-chart]:not(.unseen)")) draw(table);
};

drawAll(document);
document.addEventListener("htmx:after:swap", () => drawAll(document));
