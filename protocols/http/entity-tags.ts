import { FileError } from "../../core/errors.ts";

const entityTag = /^(?<weak>W\/)?"(?<opaque>[\x21\x23-\x7e\x80-\xff]*)"$/;

/** The entity tags of a precondition, without quotation marks; `*` for any (RFC 9110 §13.1). */
export type EntityTags = readonly string[] | "*";

/**
 * Reads If-Match, which takes strong tags only (§13.1.1), or If-None-Match, which takes weak ones for strong
 * (§13.1.2).
 * @throws FileError `invalid-argument` with the header as `field`
 */
export function readEntityTags(headers: Headers, name: "if-match" | "if-none-match"): EntityTags | undefined {
  const text = headers.get(name);
  if (text === null) return undefined;
  if (text.trim() === "*") return "*";
  return text.split(",").flatMap((item) => {
    const { weak, opaque } = entityTag.exec(item.trim())?.groups ?? {};
    if (opaque === undefined) throw new FileError("invalid-argument", `${name} holds no entity tags`, { field: name });
    return weak !== undefined && name === "if-match" ? [] : [opaque];
  });
}
