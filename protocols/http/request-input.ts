import { z } from "zod";
import { FileError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import type { HttpContext } from "./http-context.ts";
import type { Declaration, Input } from "./operation.ts";
import { RequestError } from "./request-error.ts";

/**
 * Reads a request as its operation declares it. @throws FileError `invalid-argument` with the parameter or the place
 * in the JSON as `field`, `too-large`; RequestError `unsupported-media-type`.
 */
export async function readInput(declaration: Declaration, context: HttpContext): Promise<Input> {
  const { parameters, query = z.strictObject({}), body, bodyBytes = limits.httpJsonBytes } = declaration;
  return {
    parameters: parameters && checked(parameters, context.req.param(), "the path"),
    query: checked(query.strict(), queryOf(context.req.url), "the query"),
    body: body === undefined || body === "stream" ? undefined : await readJson(body, context.req.raw, bodyBytes),
    context,
  } as Input;
}

/** A whole number in a query. */
export function queryInteger(minimum: number, maximum: number) {
  const read = (text: unknown) => (typeof text === "string" && /^\d{1,15}$/.test(text) ? Number(text) : text);
  const range = `this is not a number from ${minimum} to ${maximum}`;
  return z.preprocess(read, z.int("this is not a whole number").min(minimum, range).max(maximum, range));
}

/** `true` or `false` in a query. */
export function queryFlag() {
  return z.enum(["true", "false"]).transform((text) => text === "true");
}

/** Text of a client: well-formed Unicode, and not empty. */
export function text(maximumLength: number) {
  return z
    .string()
    .min(1)
    .max(maximumLength)
    .refine((value) => value.isWellFormed(), "this is not well-formed Unicode");
}

function checked(schema: z.ZodType, value: unknown, place: string): unknown {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw invalid(issue, place);
}

function invalid(issue: z.core.$ZodIssue | undefined, place: string): FileError {
  const unknownName = issue?.code === "unrecognized_keys" ? issue.keys.slice(0, 1) : [];
  const field = [...(issue?.path ?? []), ...unknownName].map((part) => `${String(part)}`).join(".");
  const shown = field.slice(0, limits.problemFieldLength);
  if (unknownName.length > 0)
    return new FileError("invalid-argument", `${place} has an unknown ${shown}`, { field: shown });
  const subject = shown === "" ? place : shown;
  const options = shown === "" ? {} : { field: shown };
  return new FileError("invalid-argument", `${subject}: ${issue?.message ?? "invalid"}`, options);
}

/** A name that is given once has a text, one that is given more often a list of texts. */
function queryOf(url: string): Record<string, string | string[]> {
  const { search, searchParams } = new URL(url);
  for (const pair of search.slice(1).split("&")) assertPercentEncoded(pair);
  const entries = [...new Set(searchParams.keys())].map((name) => {
    const values = searchParams.getAll(name);
    return [name, values.length === 1 ? (values[0] ?? "") : values] as const;
  });
  return Object.fromEntries(entries);
}

/** What cannot be decoded would come out as U+FFFD, and two names as one. */
function assertPercentEncoded(pair: string): void {
  try {
    decodeURIComponent(pair);
  } catch {
    const [name = ""] = pair.split("=");
    const field = name.slice(0, limits.problemFieldLength);
    throw new FileError("invalid-argument", `${field} is not percent-encoded UTF-8 (RFC 3986 §2.1)`, { field });
  }
}

async function readJson(schema: z.ZodType, request: Request, maximumBytes: number): Promise<unknown> {
  const bytes = await readBytes(request, maximumBytes);
  if (bytes.length === 0 && schema.safeParse(undefined).success) return undefined;
  if (!isJson(request.headers.get("content-type") ?? "")) {
    throw new RequestError("unsupported-media-type", "the content is to be JSON, with Content-Type application/json");
  }
  return checked(schema, parseJson(bytes), "the content");
}

/** `application/json` and `application/…+json` (RFC 6839), in UTF-8, as JSON always is (RFC 8259 §8.1). */
function isJson(contentType: string): boolean {
  const [mediaType = "", ...parameters] = contentType.toLowerCase().split(";");
  const charset = parameters.map((parameter) => parameter.trim()).find((parameter) => parameter.startsWith("charset="));
  const isUtf8 = charset === undefined || /^charset="?utf-?8"?$/.test(charset);
  return isUtf8 && /^application\/([\w.-]+\+)?json$/.test(mediaType.trim());
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw new FileError("invalid-argument", "the content is not JSON");
  }
}

async function readBytes({ body, headers }: Request, maximumBytes: number): Promise<Buffer> {
  const tooLarge = () => new FileError("too-large", `the content is over ${maximumBytes} bytes`);
  if (Number(headers.get("content-length") ?? 0) > maximumBytes) throw tooLarge();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body ?? []) {
    size += chunk.length;
    if (size > maximumBytes) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
