// The canvas of a journey's editor. The server knows what a change means; here are the drawing, the keyboard, and taking changes back.
//
// The outline beside the canvas is made by the server and works without this script; the canvas opens its forms and sends them.
import { createRoot } from "react-dom/client";
import { Canvas } from "./Canvas";
import type { State } from "./state";

const editor = document.querySelector<HTMLElement>("[data-journey-editor]");
const surface = editor?.querySelector<HTMLElement>("[data-canvas]");
const data = document.getElementById("journey-state")?.textContent;

if (editor && surface && data) {
  createRoot(surface).render(<Canvas editor={editor} first={JSON.parse(data) as State} />);
}
