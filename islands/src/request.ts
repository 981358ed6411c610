// Asking the server from an island: JSON in, JSON out, with the page's forgery token.

/** The server refused; `problem` is what it said, by field where it named one. */
export class RefusedError extends Error {
  constructor(
    readonly status: number,
    readonly problem: unknown,
  ) {
    super(`The server answered ${status}.`);
  }
}

function forgeryToken(): string {
  const headers = JSON.parse(document.body.getAttribute("hx-headers:inherited") ?? "{}") as Record<string, string>;
  return headers["X-CSRFToken"] ?? "";
}

async function answer<Answer>(response: Response): Promise<Answer> {
  const body: unknown = await response.json().catch(() => null);
  if (!response.ok) throw new RefusedError(response.status, body);
  return body as Answer;
}

/** What the server has under this path. */
export async function get<Answer>(path: string, signal?: AbortSignal): Promise<Answer> {
  const options = { headers: { Accept: "application/json" }, ...(signal ? { signal } : {}) };
  return answer<Answer>(await fetch(path, options));
}

/** Send `body` as JSON and take the answer. Throws RefusedError when the server does not accept it. */
export async function post<Answer>(path: string, body: unknown): Promise<Answer> {
  const headers = { Accept: "application/json", "Content-Type": "application/json", "X-CSRFToken": forgeryToken() };
  return answer<Answer>(await fetch(path, { method: "POST", headers, body: JSON.stringify(body) }));
}
