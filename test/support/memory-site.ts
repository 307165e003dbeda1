import { FileError } from "../../core/errors.ts";
import { nameOf, parentOf, type VirtualPath } from "../../core/virtual-path.ts";
import type { RemoteSite, VersionPin } from "../../ports/remote-site.ts";

let unfinishedCount = 0;

/** What gets there before the next chance to fail. */
const stepBytes = 4;

/** Does the effect, unless it is to fail. */
type Attempt = <T>(effect: () => Promise<T>) => Promise<T>;

/** A file that got its place. */
export interface Arrival {
  readonly path: string;
  readonly content: string;
}

/** What a site in memory holds, over the lives of those who send to it. */
export interface MemorySiteState {
  readonly files: Map<string, Uint8Array>;
  readonly arrivals: Arrival[];
  /** What it holds unseen of writes that were cut off, by their tokens. */
  readonly unfinished: Map<string, Uint8Array>;
  /** Called with the path of each file that got its place: the partner may take it. */
  onArrival: (path: string) => void;
}

export function memorySiteState(): MemorySiteState {
  return { files: new Map(), arrivals: [], unfinished: new Map(), onArrival: () => {} };
}

/** One connection to it. @param attempt stands between each request and its effect */
export function createMemorySite(
  state: MemorySiteState,
  appearance: RemoteSite["appearance"],
  attempt: Attempt,
): RemoteSite {
  const { files, unfinished } = state;
  const arrive = (path: VirtualPath, content: Uint8Array) => {
    files.set(path, content);
    state.arrivals.push({ path, content: new TextDecoder().decode(content) });
    state.onArrival(path);
  };
  const refuseTaken = (path: VirtualPath, overwrite: boolean) => {
    if (!overwrite && files.has(path)) throw new FileError("already-exists", `${path} exists`);
  };
  const refuseOther = (path: VirtualPath, pin: VersionPin | undefined) => {
    const content = files.get(path);
    const isOther = pin?.version !== undefined && content !== undefined && versionOf(content) !== pin.version;
    if (isOther) throw new FileError("integrity", `${path} was replaced`);
  };
  const writeWhole: RemoteSite["write"] = async (path, content, { overwrite, continuation }) => {
    const known = continuation?.token;
    const token = known !== undefined && unfinished.has(known) ? known : `write-${unfinishedCount++}`;
    if (token !== known) await attempt(async () => void unfinished.set(token, new Uint8Array()));
    // Whoever dies in this moment leaves nothing but an empty beginning.
    await continuation?.keep(token).catch((error: unknown) => {
      unfinished.delete(token);
      throw error;
    });
    const held = await attempt(async () => unfinished.get(token)?.length ?? 0);
    for await (const piece of content(held, "send")) {
      for (let at = 0; at < piece.length; at += stepBytes) {
        await attempt(async () => {
          const before = unfinished.get(token) ?? new Uint8Array();
          unfinished.set(token, Uint8Array.of(...before, ...piece.subarray(at, at + stepBytes)));
        });
      }
    }
    await attempt(async () => {
      refuseTaken(path, overwrite);
      arrive(path, unfinished.get(token) ?? new Uint8Array());
      unfinished.delete(token);
    });
  };
  return {
    appearance,
    unfinished: { discard: (_, token) => attempt(async () => void unfinished.delete(token)) },
    list: async function* (folder) {
      for (const [path, content] of files) {
        if (parentOf(path as VirtualPath) !== folder) continue;
        yield { name: nameOf(path as VirtualPath), type: "file", bytes: content.length, modifiedAtMs: 0 };
      }
    },
    stat: (path) =>
      attempt(async () => {
        const content = files.get(path);
        return content && { name: nameOf(path), type: "file", bytes: content.length, modifiedAtMs: 0 };
      }),
    digest: async () => undefined,
    read: async function* (path, offset, pin) {
      const content = await attempt(async () => files.get(path));
      if (!content) throw new FileError("not-found", `there is no ${path}`);
      if (pin) pin.version = versionOf(content);
      yield content.subarray(offset);
    },
    write: async (path, content, options) => {
      if (appearance === "whole") return writeWhole(path, content, options);
      const { offset } = options;
      let whole = await attempt(async () => (offset === 0 ? new Uint8Array() : (files.get(path) ?? new Uint8Array())));
      if (offset === 0) await attempt(async () => void files.set(path, whole));
      for await (const piece of content(offset, "send")) {
        for (let at = 0; at < piece.length; at += stepBytes) {
          whole = Uint8Array.of(...whole, ...piece.subarray(at, at + stepBytes));
          await attempt(async () => void files.set(path, whole));
        }
      }
    },
    rename: (from, to, { overwrite, pin }) =>
      attempt(async () => {
        const content = files.get(from);
        if (!content) throw new FileError("not-found", `there is no ${from}`);
        refuseOther(from, pin);
        refuseTaken(to, overwrite);
        files.delete(from);
        arrive(to, content);
      }),
    remove: (path, pin) =>
      attempt(async () => {
        refuseOther(path, pin);
        files.delete(path);
      }),
    close: () => {},
  };
}

function versionOf(content: Uint8Array): string {
  return content.join();
}
