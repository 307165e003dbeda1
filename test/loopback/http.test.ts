import assert from "node:assert/strict";
import { ProblemError } from "../../client/problem.ts";
import { type FileClient, httpFileClient } from "../support/file-clients.ts";
import { type Connect, filesScript } from "./files-script.ts";
import { inS3 } from "./s3-store.ts";

/** Every refusal of the script is one of permission, and HTTP says so. */
function withRefusalsChecked(client: FileClient): FileClient {
  const checked = Object.entries(client).map(([name, operate]) => [
    name,
    (...args: unknown[]) => operate(...args).catch(assertRefused),
  ]);
  return Object.fromEntries(checked);
}

function assertRefused(error: unknown): never {
  assert.ok(error instanceof ProblemError, `${error}`);
  assert.deepEqual([error.status, error.problem.code], [403, "permission-denied"]);
  assert.match(String(error.problem.rule), /account limited, permissions\[\d\]/);
  throw error;
}

const connect: Connect = async ({ endpoints }, _identity, username) =>
  withRefusalsChecked(await httpFileClient(endpoints.http.url, username));

filesScript("https", connect);
filesScript("https", connect, inS3);
