import { InvokeCommand, type LambdaClient } from "@aws-sdk/client-lambda";
import { FileError, type FileErrorCode } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";

/** What the HTTP API asks the scan-result function: to let a file out of the quarantine. */
export interface ReleaseCall {
  readonly v: 1;
  readonly release: string;
  /** The operator. */
  readonly by: string;
}

export type ReleaseAnswer =
  | { readonly v: 1; readonly ok: true }
  | { readonly v: 1; readonly ok: false; readonly code: FileErrorCode; readonly message: string };

export function isReleaseCall(event: unknown): event is ReleaseCall {
  const { v, release, by } = (event ?? {}) as Readonly<Record<string, unknown>>;
  return v === 1 && typeof release === "string" && typeof by === "string";
}

/** What becomes of a call: expected failures are answers, others fail the function. */
export async function answerRelease(done: Promise<void>): Promise<ReleaseAnswer> {
  try {
    await done;
    return { v: 1, ok: true };
  } catch (error) {
    if (error instanceof FileError) return { v: 1, ok: false, code: error.code, message: error.message };
    throw error;
  }
}

export interface ReleaseCallOptions {
  readonly client: LambdaClient;
  readonly functionName: string;
}

/**
 * Has a file let out, and waits for limits.releaseCallMs: a large one takes longer, and goes on meanwhile.
 * @throws FileError as the release; `unavailable` when there is no answer
 */
export function createReleaseCall({ client, functionName }: ReleaseCallOptions) {
  return async (release: string, by: string): Promise<void> => {
    const call: ReleaseCall = { v: 1, release, by };
    const answer = await invoke(client, functionName, JSON.stringify(call));
    if (answer?.ok === false) throw new FileError(answer.code, answer.message);
    if (answer?.ok !== true) throw new FileError("unavailable", "files cannot be released at the moment");
  };
}

async function invoke(client: LambdaClient, functionName: string, payload: string): Promise<ReleaseAnswer | null> {
  const command = new InvokeCommand({ FunctionName: functionName, Payload: Buffer.from(payload) });
  const abortSignal = AbortSignal.timeout(limits.releaseCallMs);
  try {
    const { FunctionError, Payload } = await client.send(command, { abortSignal });
    if (FunctionError !== undefined) throw new Error(`it failed: ${FunctionError}`);
    return JSON.parse(Payload?.transformToString() ?? "null") as ReleaseAnswer | null;
  } catch (cause) {
    const message = abortSignal.aborted
      ? "the file is on its way to its place; ask again in a minute"
      : "files cannot be released at the moment";
    throw new FileError("unavailable", message, { cause });
  }
}
