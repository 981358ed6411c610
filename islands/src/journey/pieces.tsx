// Boxes, ends and lines of the drawing. Places come from the server.
import { BaseEdge, EdgeLabelRenderer, Handle, Position } from "@xyflow/react";
import type { EdgeProps, NodeProps } from "@xyflow/react";
import { t } from "../texts";
import type { Box, Line, State } from "./state";

interface StepData extends Record<string, unknown> {
  box: Box;
  sizes: State["sizes"];
  open: () => void;
  remove: () => void;
}

interface WayData extends Record<string, unknown> {
  line: Line;
  insert: () => void;
}

export function StepNode({ data, selected }: NodeProps) {
  const { box, sizes, open, remove } = data as StepData;
  const keys = (event: React.KeyboardEvent) => {
    if (event.key === "Enter") {
      event.preventDefault(); // else the same key press would send the form that it opens
      open();
    }
    if (event.key === "Delete") remove();
  };
  return (
    <div
      className={`step ${box.group}${selected ? " here" : ""}${box.wrong ? " wrong" : ""}`}
      ref={(element) => {
        if (element) {
          element.style.width = `${sizes.width}px`;
          element.style.height = `${sizes.height}px`;
        }
      }}
    >
      <Handle type="target" position={Position.Top} isConnectable={false} />
      <span className="sign" aria-hidden="true" />
      <div className="said">
        <button type="button" className="name nodrag" onClick={open} onKeyDown={keys} aria-keyshortcuts="Enter Delete">
          {box.label}
        </button>
        <p className="words">{box.words}</p>
      </div>
      {box.wrong > 0 && <p className="doors"><span className="door stop">{t("to put right")}</span></p>}
      <Handle type="source" position={Position.Bottom} isConnectable={false} />
    </div>
  );
}

export function EndNode() {
  return (
    <div className="canvas-end">
      <Handle type="target" position={Position.Top} isConnectable={false} />
    </div>
  );
}

export function WayEdge({ id, data }: EdgeProps) {
  const { line, insert } = data as WayData;
  const path = line.points.map(([x, y], index) => `${index ? "L" : "M"}${x} ${y}`).join(" ");
  const [x, y] = plusAt(line);
  const name = line.label ? t("Insert a step: %(way)s", { way: line.label }) : t("Insert a step");
  return (
    <>
      <BaseEdge id={id} path={path} />
      <EdgeLabelRenderer>
        {line.label && line.labelAt && (
          <span className="canvas-label" ref={(element) => place(element, line.labelAt ?? [0, 0])}>
            {line.label}
          </span>
        )}
        <button type="button" className="canvas-plus nodrag nopan" ref={(element) => place(element, [x, y])} onClick={insert} aria-label={name} title={name}>
          +
        </button>
      </EdgeLabelRenderer>
    </>
  );
}

/** On the last stretch above the target, where lines of one way lie alone; on the first where they meet there. */
function plusAt(line: Line): [number, number] {
  const [first, second] = line.points;
  const last = line.points.at(-1) ?? [0, 0];
  if (line.labelAt) {
    const after = line.points.find(([x, y]) => x === line.labelAt?.[0] && y > line.labelAt[1]);
    return [line.labelAt[0], after ? Math.min(line.labelAt[1] + 20, after[1]) : line.labelAt[1] + 18];
  }
  return first && second ? [first[0], Math.min(first[1] + 15, second[1])] : last;
}

function place(element: HTMLElement | null, [x, y]: [number, number]): void {
  if (element) element.style.transform = `translate(-50%, -50%) translate(${x}px, ${y}px)`;
}
