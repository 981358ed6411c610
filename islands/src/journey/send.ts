// Sending one change to the server, as the outline's forms do.
import { RefusedError } from "../request";
import type { Changed } from "./state";

export async function send(path: string, fields: FormData): Promise<Changed> {
  const headers = JSON.parse(document.body.getAttribute("hx-headers:inherited") ?? "{}") as Record<string, string>;
  const response = await fetch(path, { method: "POST", headers: { ...headers, Accept: "application/json" }, body: fields });
  const body: unknown = await response.json().catch(() => null);
  if (!response.ok) throw new RefusedError(response.status, body);
  return body as Changed;
}
