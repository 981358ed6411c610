// What the server says about a journey's draft: the drawing, its mistakes, and the document for taking changes back.

export interface Box {
  id: string;
  icon: string;
  group: string;
  label: string;
  words: string;
  x: number;
  y: number;
  isEnd: boolean;
  wrong: number;
}

export interface Line {
  id: string;
  source: string;
  target: string;
  way: string;
  label: string;
  labelAt: [number, number] | null;
  points: [number, number][];
}

export interface Kind {
  kind: string;
  label: string;
  icon: string;
  group: string;
}

export interface State {
  revision: number;
  /** Names what the forms are made from: a revision can come again. */
  made_from: string;
  document: unknown;
  width: number;
  height: number;
  sizes: { width: number; height: number; end: number };
  boxes: Box[];
  lines: Line[];
  kinds: Kind[];
  mistakes: string[];
}

/** The answer to a change. */
export interface Changed extends State {
  opened: string;
  outline: string;
}

/** One change: fields of the form that the server takes. */
export type Change = Record<string, string> & { change: string };

declare global {
  interface Window {
    htmx?: { process: (element: HTMLElement) => void };
  }
}
