import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { createPortal } from "react-dom";
import { Background, Controls, ReactFlow, ReactFlowProvider, useReactFlow } from "@xyflow/react";
import type { Edge, Node, Viewport } from "@xyflow/react";
import "@xyflow/react/dist/style.css";
import "./canvas.css";
import { RefusedError } from "../request";
import { t, tn } from "../texts";
import { EndNode, StepNode, WayEdge } from "./pieces";
import { send } from "./send";
import type { Change, Changed, State } from "./state";

const nodeTypes = { step: StepNode, end: EndNode };
const edgeTypes = { way: WayEdge };
const LONGEST_HISTORY = 100;
const SMALLEST_LEGIBLE = 0.75;
const MARGIN = 24;

/** What the server says to the second of two people. */
interface Conflict {
  told: string;
  revision: number;
  madeFrom: string;
  mine: unknown;
  fields: FormData;
}

interface Refused {
  problem?: string;
  conflict?: string;
  revision?: number;
  made_from?: string;
  mine?: unknown;
}

interface Props {
  editor: HTMLElement;
  first: State;
}

/** Where the drawing opens: as wide as fits while it can be read, the first step at the top. */
function beginning(state: State, frame: HTMLElement | null): Viewport {
  const [first] = state.boxes;
  if (!first || !frame) return { x: 0, y: 0, zoom: 1 };
  const lefts = state.boxes.map((one) => one.x);
  const [left, right] = [Math.min(...lefts), Math.max(...lefts) + state.sizes.width];
  const fitting = (frame.clientWidth - 2 * MARGIN) / (right - left);
  const zoom = Math.max(SMALLEST_LEGIBLE, Math.min(1, fitting));
  const middle = fitting < zoom ? first.x + state.sizes.width / 2 : (left + right) / 2;
  return { x: frame.clientWidth / 2 - middle * zoom, y: MARGIN - first.y * zoom, zoom };
}

export function Canvas(props: Props) {
  return (
    <ReactFlowProvider>
      <Drawing {...props} />
    </ReactFlowProvider>
  );
}

function Drawing({ editor, first }: Props) {
  const [state, setState] = useState<State>(first);
  const [selected, setSelected] = useState("");
  const [problem, setProblem] = useState("");
  const [conflict, setConflict] = useState<Conflict | null>(null);
  const [past, setPast] = useState<unknown[]>([]);
  const [future, setFuture] = useState<unknown[]>([]);
  const [inserting, setInserting] = useState<{ source: string; way: string } | null>(null);
  const [isBusy, setBusy] = useState(false);
  const { fitView, setCenter, setViewport, getZoom } = useReactFlow();
  const isMoved = useRef(false);
  const path = editor.dataset.path ?? "";
  const latest = useRef(state);
  latest.current = state;

  const outline = document.getElementById("outline") as HTMLElement;
  const tools = editor.querySelector<HTMLElement>("[data-tools]");
  const saved = editor.querySelector<HTMLElement>("[data-saved]");

  const openForm = useCallback(
    (step: string, focus: boolean) => {
      for (const one of outline.querySelectorAll<HTMLDetailsElement>("details.outline-step")) one.open = one.id === `outline-${step}`;
      const details = document.getElementById(`outline-${step}`);
      details?.scrollIntoView({ block: "nearest" });
      if (focus) (details?.querySelector<HTMLElement>("form :is(input:not([type=hidden]), select)") ?? details?.querySelector("summary"))?.focus();
    },
    [outline],
  );

  const take = useCallback(
    (answer: Changed) => {
      setState(answer);
      setProblem("");
      setConflict(null);
      const focused = outline.contains(document.activeElement) ? document.activeElement?.id : "";
      outline.innerHTML = answer.outline;
      window.htmx?.process(outline); // estimates beside conditions
      if (saved) saved.textContent = t("Saved.");
      editor.querySelector<HTMLElement>("[data-discard]")?.removeAttribute("hidden"); // the first change makes the draft
      for (const field of editor.querySelectorAll<HTMLInputElement>(".editor-head input[name=revision]")) field.value = String(answer.revision);
      for (const field of editor.querySelectorAll<HTMLInputElement>(".editor-head input[name=made_from]")) field.value = answer.made_from;
      if (answer.opened) {
        setSelected(answer.opened);
        openForm(answer.opened, false);
      }
      if (focused) refocus(focused);
    },
    [editor, openForm, outline, saved],
  );

  const change = useCallback(
    async (fields: FormData, mode: "new" | "undo" | "redo" = "new") => {
      const before = latest.current.document;
      if (!fields.has("again")) {
        fields.set("revision", String(latest.current.revision));
        fields.set("made_from", latest.current.made_from);
      }
      fields.delete("again");
      fields.set("seen", JSON.stringify(before));
      setBusy(true);
      try {
        const answer = await send(path, fields);
        if (mode !== "undo") setPast((known) => [...known, before].slice(-LONGEST_HISTORY));
        if (mode === "new") setFuture([]);
        take(answer);
        return answer;
      } catch (error) {
        const answer = error instanceof RefusedError ? (error.problem as Refused | null) : null;
        if (answer?.conflict !== undefined) setConflict({ told: answer.conflict, revision: answer.revision ?? 0, madeFrom: answer.made_from ?? "", mine: answer.mine ?? null, fields });
        else setProblem(answer?.problem ?? t("Not saved: the server does not answer. Please try again."));
        return null;
      } finally {
        setBusy(false);
      }
    },
    [path, take],
  );

  const apply = useCallback(
    (fields: Change, mode: "new" | "undo" | "redo" = "new") => {
      const form = new FormData();
      for (const [name, value] of Object.entries(fields)) form.set(name, value);
      return change(form, mode);
    },
    [change],
  );

  // Of two people who edit one journey, the second makes the change in theirs, puts the own form in its place, or leaves it.
  const panel = useRef<HTMLElement>(null);
  useEffect(() => panel.current?.focus(), [conflict]);
  const settle = useCallback(
    (fields: FormData, { revision, madeFrom }: Conflict) => {
      fields.set("revision", String(revision));
      fields.set("made_from", madeFrom);
      fields.set("again", "1");
      void change(fields);
    },
    [change],
  );

  const undo = useCallback(async () => {
    const last = past.at(-1);
    if (last === undefined) return;
    const now = latest.current.document;
    if (await apply({ change: "replace", document: JSON.stringify(last) }, "undo")) {
      setPast((known) => known.slice(0, -1));
      setFuture((known) => [...known, now]);
    }
  }, [apply, past]);

  const redo = useCallback(async () => {
    const next = future.at(-1);
    if (next === undefined) return;
    if (await apply({ change: "replace", document: JSON.stringify(next) }, "redo")) setFuture((known) => known.slice(0, -1));
  }, [apply, future]);

  const insert = useCallback(
    async (kind: string) => {
      if (!inserting) return;
      setInserting(null);
      const answer = await apply({ change: "insert", step: inserting.source, way: inserting.way, kind });
      if (answer) openForm(answer.opened, true);
    },
    [apply, inserting, openForm],
  );

  const remove = useCallback((step: string) => apply({ change: "remove", step }), [apply]);

  // The outline's forms are sent without leaving the page; a field that decides which others there are sends its form at once.
  useEffect(() => {
    const submit = (event: SubmitEvent) => {
      event.preventDefault();
      void change(new FormData(event.target as HTMLFormElement, event.submitter));
    };
    const redraw = (event: Event) => {
      const field = event.target as HTMLSelectElement;
      if (field.matches("select[data-redraw]") && field.form) void change(new FormData(field.form));
    };
    const toggle = (event: Event) => {
      const details = event.target as HTMLDetailsElement;
      if (details.open && details.dataset.step) setSelected(details.dataset.step);
    };
    outline.addEventListener("submit", submit);
    outline.addEventListener("change", redraw);
    outline.addEventListener("toggle", toggle, true);
    return () => {
      outline.removeEventListener("submit", submit);
      outline.removeEventListener("change", redraw);
      outline.removeEventListener("toggle", toggle, true);
    };
  }, [change, outline]);

  useEffect(() => {
    const key = (event: KeyboardEvent) => {
      const inField = (event.target as HTMLElement).closest("input, select, textarea");
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z" && !inField) {
        event.preventDefault();
        void (event.shiftKey ? redo() : undo());
      } else if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "y" && !inField) {
        event.preventDefault();
        void redo();
      } else if (event.key === "Escape") setInserting(null);
    };
    document.addEventListener("keydown", key);
    return () => document.removeEventListener("keydown", key);
  }, [redo, undo]);

  const select = useCallback(
    (step: string, focus: boolean) => {
      setSelected(step);
      openForm(step, focus);
    },
    [openForm],
  );

  const nodes = useMemo<Node[]>(
    () =>
      state.boxes.map((box) => ({
        id: box.id,
        type: box.isEnd ? "end" : "step",
        position: { x: box.x, y: box.y },
        selected: box.id === selected,
        // Told, not measured: a box without a size is hidden until it has been measured, and what is hidden loses the keyboard.
        measured: box.isEnd ? { width: state.sizes.end, height: state.sizes.end } : { width: state.sizes.width, height: state.sizes.height },
        ariaLabel: box.isEnd ? t("End") : `${box.label}: ${box.words}`,
        data: { box, sizes: state.sizes, open: () => select(box.id, true), remove: () => void remove(box.id) },
      })),
    [remove, select, selected, state],
  );
  const edges = useMemo<Edge[]>(
    () =>
      state.lines.map((line) => ({
        id: line.id,
        source: line.source,
        target: line.target,
        type: "way",
        focusable: false,
        data: { line, insert: () => setInserting({ source: line.source, way: line.way }) },
      })),
    [state],
  );

  // A step that is chosen in the outline comes into sight.
  useEffect(() => {
    const box = latest.current.boxes.find((one) => one.id === selected);
    if (!box) return;
    isMoved.current = true;
    void setCenter(box.x + state.sizes.width / 2, box.y + 80, { zoom: getZoom(), duration: 200 });
  }, [selected, setCenter, getZoom, state.sizes.width]);

  // The outline beside it may take its place after the drawing did: until somebody moves it, the drawing opens anew in what is left.
  useEffect(() => {
    const frame = editor.querySelector<HTMLElement>(".react-flow");
    if (!frame) return;
    const watch = new ResizeObserver(() => {
      if (!isMoved.current) void setViewport(beginning(latest.current, frame));
    });
    watch.observe(frame);
    return () => watch.disconnect();
  }, [editor, setViewport]);

  return (
    <>
      {tools &&
        createPortal(
          <>
            <button type="button" className="quiet small" onClick={() => void undo()} disabled={!past.length || isBusy}>
              {t("Undo")}
            </button>
            <button type="button" className="quiet small" onClick={() => void redo()} disabled={!future.length || isBusy}>
              {t("Redo")}
            </button>
            <button type="button" className="quiet small" onClick={() => void fitView({ duration: 200 })}>
              {t("Show all")}
            </button>
          </>,
          tools,
        )}
      {problem && (
        <p className="canvas-problem" role="alert">
          {problem}{" "}
          <button type="button" className="small" onClick={() => location.reload()}>
            {t("Load again")}
          </button>
        </p>
      )}
      {conflict && (
        <section className="canvas-conflict" role="alertdialog" aria-label={t("Two changes at once")} tabIndex={-1} ref={panel}>
          <div dangerouslySetInnerHTML={{ __html: conflict.told }} />
          <p className="actions">
            <button type="button" className="primary" disabled={isBusy} onClick={() => settle(conflict.fields, conflict)}>
              {t("Make my change there too")}
            </button>
            {conflict.mine !== null && (
              <button
                type="button"
                disabled={isBusy}
                onClick={() => {
                  const whole = new FormData();
                  whole.set("change", "replace");
                  whole.set("document", JSON.stringify(conflict.mine));
                  settle(whole, conflict);
                }}
              >
                {t("Put mine in its place")}
              </button>
            )}
            <button type="button" onClick={() => location.reload()}>
              {t("Leave it as it is now")}
            </button>
          </p>
        </section>
      )}
      <ReactFlow
        nodes={nodes}
        edges={edges}
        nodeTypes={nodeTypes}
        edgeTypes={edgeTypes}
        onNodeClick={(_event, node) => node.type === "step" && select(node.id, false)}
        nodesDraggable={false}
        nodesConnectable={false}
        nodesFocusable={false}
        edgesFocusable={false}
        deleteKeyCode={null}
        minZoom={0.2}
        maxZoom={1.5}
        onMoveStart={(event) => {
          if (event) isMoved.current = true;
        }}
        onInit={(flow) => void flow.setViewport(beginning(state, editor.querySelector<HTMLElement>(".react-flow")))}
        proOptions={{ hideAttribution: true }}
        aria-label={t("Drawing of the journey")}
      >
        <Background gap={20} />
        <Controls showInteractive={false} />
      </ReactFlow>
      {!state.lines.length && !inserting && (
        <div className="canvas-empty">
          <button type="button" className="primary" onClick={() => setInserting({ source: "", way: "" })}>
            {t("Put in the first step")}
          </button>
        </div>
      )}
      {inserting && <Palette state={state} choose={(kind) => void insert(kind)} close={() => setInserting(null)} />}
      <p className="unseen" role="status">
        {state.mistakes.length ? tn("%(count)s thing to put right", "%(count)s things to put right", state.mistakes.length) : t("Nothing to put right.")}
      </p>
    </>
  );
}

/** Where the keyboard was; where that is gone, the nearest thing around it. */
function refocus(id: string): void {
  const part = /^(.*)-(?:add|row|remove|up|down|group|kind)$/.exec(id)?.[1];
  const around = part?.replace(/\.\d+$/, "");
  for (const one of [id, ...(part ? [`${part}-kind`, `${around}-kind`, `${around}-add`, `${around}-row`] : [])]) {
    const element = document.getElementById(one);
    if (element) {
      element.focus();
      return;
    }
  }
}

function Palette({ state, choose, close }: { state: State; choose: (kind: string) => void; close: () => void }) {
  const list = useRef<HTMLDivElement>(null);
  useEffect(() => list.current?.querySelector("button")?.focus(), []);
  const move = (event: React.KeyboardEvent) => {
    const buttons = [...(list.current?.querySelectorAll("button") ?? [])];
    const at = buttons.indexOf(document.activeElement as HTMLButtonElement);
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (step && buttons.length) {
      event.preventDefault();
      buttons[(at + step + buttons.length) % buttons.length]?.focus();
    }
  };
  return (
    <div className="palette" ref={list} role="menu" aria-label={t("Which step?")} onKeyDown={move}>
      <p>{t("Which step?")}</p>
      {state.kinds.map((kind) => (
        <button key={kind.kind} type="button" role="menuitem" className={`quiet step ${kind.group}`} onClick={() => choose(kind.kind)}>
          {kind.label}
        </button>
      ))}
      <button type="button" role="menuitem" className="quiet" onClick={close}>
        {t("Cancel")}
      </button>
    </div>
  );
}
