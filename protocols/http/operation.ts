import type { z } from "zod";
import type { Role } from "../../core/account.ts";
import type { Scope } from "../../core/api-token.ts";
import type { Session } from "../../service/session/session.ts";
import type { HttpContext } from "./http-context.ts";

export type Method = "GET" | "PUT" | "POST" | "DELETE";

/** One answer that an operation can give. Without a schema the content is none, or no JSON. */
export interface ResponseDeclaration {
  readonly description: string;
  readonly schema?: z.ZodType;
  /** `application/json` where there is a schema, no content where there is none, unless this says otherwise. */
  readonly mediaType?: string;
  /** Forms of the content that have no schema. */
  readonly otherMediaTypes?: readonly string[];
  readonly headers?: Readonly<Record<string, string>>;
}

/** What an operation takes and answers: requests are checked against it, and the OpenAPI document is made of it. */
export interface Declaration {
  readonly method: Method;
  /** As OpenAPI writes it: `/v1/accounts/{name}`. */
  readonly path: string;
  /** Unique, in camel case; in kebab case it is the action in the record of a refusal for want of a role. */
  readonly operationId: string;
  readonly summary: string;
  readonly description?: string;
  readonly tags: readonly string[];
  /** The names in the path. */
  readonly parameters?: z.ZodObject;
  /** Anything else in the query is refused, so is what is given twice and is no array. */
  readonly query?: z.ZodObject;
  /** Request fields that matter, for the document; the operation reads them itself. */
  readonly headers?: Readonly<Record<string, string>>;
  /** JSON of this schema, or any content as a stream. A schema that takes undefined makes the content optional. */
  readonly body?: z.ZodType | "stream";
  /** The most that the JSON may have; limits.httpJsonBytes where nothing is said. */
  readonly bodyBytes?: number;
  /** The answers to a request that succeeds, by status. Problems are the same everywhere: see problem.ts. */
  readonly responses: Readonly<Record<number, ResponseDeclaration>>;
  /** Statuses of problems that this operation answers besides 400, 401, 403, 429, 500 and 503. */
  readonly problems?: readonly number[];
  /** The account needs this role; looked at before anything else in the request. */
  readonly role?: Role;
  /** What an API token needs for it. Without a scope no API token may do it. */
  readonly scope?: Scope;
}

type Output<Schema> = Schema extends z.ZodType ? z.output<Schema> : undefined;

/** A request that was checked against its declaration. */
export interface Input<D extends Declaration = Declaration> {
  readonly parameters: Output<D["parameters"]>;
  readonly query: Output<D["query"]>;
  readonly body: Output<D["body"]>;
  readonly context: HttpContext;
}

/** A response whose content goes on after the operation has answered; the session lasts until `finished`. */
export interface StreamedReply {
  readonly response: Response;
  readonly finished: Promise<void>;
}

export type Reply = Response | StreamedReply;

/** A declaration and what it does. `public` asks for no credentials; the others act in a session. */
export type Operation = Declaration &
  (
    | { readonly access: "public"; readonly handle: (input: Input) => Promise<Response> }
    | { readonly access: "session"; readonly handle: (session: Session, input: Input) => Promise<Reply> }
  );

export function publicOperation<const D extends Declaration>(
  declaration: D,
  handle: (input: Input<D>) => Response | Promise<Response>,
): Operation {
  // The input was read by this very declaration, which Operation forgets so that a table can hold them all.
  return { ...declaration, access: "public", handle: async (input) => handle(input as unknown as Input<D>) };
}

export function sessionOperation<const D extends Declaration>(
  declaration: D,
  handle: (session: Session, input: Input<D>) => Promise<Reply>,
): Operation {
  return {
    ...declaration,
    access: "session",
    handle: (session, input) => handle(session, input as unknown as Input<D>),
  };
}
