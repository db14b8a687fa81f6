// Requests to the server. Its routes are described in http_api.md.
// URLs are relative to the frame's <base>, so they hold under a path prefix and behind proxies.

/** A failed request; `status` is null if the server could not be reached. */
export class ApiError extends Error {
  override readonly name = "ApiError";

  constructor(
    readonly url: string,
    readonly status: number | null,
    readonly detail: string,
  ) {
    super(
      status === null
        ? `TensorBoard could not be reached for ${url}: ${detail}`
        : `TensorBoard responded with ${status} to ${url}: ${detail}`,
    );
  }
}

export async function get(
  url: string,
  signal?: AbortSignal,
  headers: Record<string, string> = {},
): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, { headers, ...(signal && { signal }) });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(pathOf(url), null, error instanceof Error ? error.message : String(error));
  }
  if (!response.ok && response.status !== 304) {
    const text = (await response.text()).trim();
    // An HTML page, e.g. from a proxy, is not a readable message.
    const detail = text === "" || text.startsWith("<") ? response.statusText : text.slice(0, 300);
    throw new ApiError(pathOf(url), response.status, detail);
  }
  return response;
}

/** The URL without its query, which may be thousands of characters long. */
function pathOf(url: string): string {
  return url.replace(/\?.*$/, "");
}

export interface RunError {
  run: string;
  message: string;
}

/** What was found of some runs, and why there is nothing of the others. */
export interface RunsResponse<Item> {
  items: Item[];
  errors: RunError[];
}

/** Requests all `urls` and joins their responses. */
export async function getAll<Item>(
  urls: readonly string[],
  itemsOf: (body: unknown) => Item[],
  signal?: AbortSignal,
): Promise<RunsResponse<Item>> {
  const bodies = await Promise.all(
    urls.map(async (url) => (await (await get(url, signal)).json()) as { errors: RunError[] }),
  );
  return { items: bodies.flatMap(itemsOf), errors: bodies.flatMap(({ errors }) => errors) };
}

/** Proxies truncate URLs above 8 KB. */
export const MAX_URL_LENGTH = 7_800;

/** The fewest URLs that name all `runs`. `head` ends where another parameter may start. */
export function urlsFor(head: string, runs: readonly string[]): string[] {
  const urls: string[] = [];
  let url = head;
  for (const run of runs) {
    const part = `${url === head ? "" : "&"}run=${encodeURIComponent(run)}`;
    if (url !== head && url.length + part.length > MAX_URL_LENGTH) {
      urls.push(url);
      url = head + part.slice(1);
    } else url += part;
  }
  if (url !== head) urls.push(url);
  return urls;
}
