// A chart's data, read from the table that says the same in words.

export type Kind = "bar" | "line" | "stack";

export interface Series {
  readonly name: string;
  /** The id of a phase, or empty. */
  readonly phase: string;
  /** null where there is no value. */
  readonly values: readonly (number | null)[];
  /** The values as the page writes them. */
  readonly written: readonly string[];
}

export interface ChartData {
  readonly kind: Kind;
  readonly points: readonly string[];
  readonly series: readonly Series[];
}

const words = (cell: Element | undefined) => cell?.textContent?.trim() ?? "";

/** What a table says; null when it has no rows or asks for an unknown kind. */
export function readTable(table: HTMLTableElement): ChartData | null {
  const kind = table.dataset["chart"];
  const rows = [...(table.tBodies[0]?.rows ?? [])].map((row) => [...row.cells]);
  const heads = [...(table.tHead?.rows[0]?.cells ?? [])].slice(1);
  if (!rows.length || (kind !== "bar" && kind !== "line" && kind !== "stack")) return null;
  return {
    kind,
    points: rows.map((cells) => words(cells[0])),
    series: heads.map((head, place) => ({
      name: words(head),
      phase: head.dataset["phase"] ?? "",
      values: rows.map((cells) => {
        const value = cells[place + 1]?.dataset["value"];
        return value ? Number(value) : null;
      }),
      written: rows.map((cells) => words(cells[place + 1])),
    })),
  };
}
