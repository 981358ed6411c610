// A chart in the house's look, from its data and the theme's colours.
import type { EChartsCoreOption } from "echarts/core";
import type { ChartData } from "./table";

export interface Colours {
  readonly text: string;
  readonly second: string;
  readonly line: string;
  readonly surface: string;
  readonly of: (phase: string, place: number) => string;
}

/** Series without a phase take these in turn. */
const TURN = ["accent", "trust", "care", "loyalty", "attention", "winback"];

/** The theme's colours as they are at this element now. */
export function readColours(at: Element): Colours {
  const style = getComputedStyle(at);
  const token = (name: string) => style.getPropertyValue(`--${name}`).trim();
  return {
    text: token("text"),
    second: token("second"),
    line: token("line"),
    surface: token("surface"),
    of: (phase, place) => token(phase) || token(TURN[place % TURN.length] ?? "accent"),
  };
}

/** The chart as ECharts takes it. */
export function chartOption(data: ChartData, colours: Colours): EChartsCoreOption {
  const label = { color: colours.second, fontFamily: "Inter", fontSize: 12 };
  return {
    animation: false,
    textStyle: { fontFamily: "Inter" },
    grid: { left: 0, right: 8, top: data.series.length > 1 ? 36 : 12, bottom: 0, containLabel: true },
    legend: { show: data.series.length > 1, left: 0, top: 0, icon: "circle", itemWidth: 8, itemHeight: 8, textStyle: label },
    tooltip: {
      trigger: "axis",
      renderMode: "richText", // plain text: neither markup from data nor inline styles
      backgroundColor: colours.surface,
      borderColor: colours.line,
      textStyle: { color: colours.text, fontSize: 12 },
      formatter: (given: unknown) => describe(given, data),
    },
    xAxis: {
      type: "category",
      data: data.points,
      axisLabel: label,
      axisTick: { show: false },
      axisLine: { lineStyle: { color: colours.line } },
      boundaryGap: data.kind !== "line",
    },
    yAxis: { type: "value", axisLabel: label, splitNumber: 4, splitLine: { lineStyle: { color: colours.line } } },
    series: data.series.map((series, place) => ({
      type: data.kind === "line" ? "line" : "bar",
      name: series.name,
      data: series.values,
      color: colours.of(series.phase, place),
      ...(data.kind === "stack" ? { stack: "all" } : {}),
      barMaxWidth: 28,
      itemStyle: { borderRadius: data.kind === "bar" ? [3, 3, 0, 0] : 0 },
      symbolSize: 5,
      lineStyle: { width: 2 },
    })),
  };
}

function describe(given: unknown, data: ChartData): string {
  const first = (Array.isArray(given) ? given[0] : given) as { dataIndex?: number } | undefined;
  const place = first?.dataIndex ?? 0;
  const lines = data.series.map((series) => `${series.name}: ${series.written[place] ?? ""}`);
  return [data.points[place] ?? "", ...lines].join("\n");
}
