import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { environmentNames } from "../../adapters/aws/env.ts";
import type { JsonObject } from "../../core/configuration-entry.ts";
import { openConfiguration } from "../../lambdas/services/configuration.ts";
import { httpFileClient } from "../support/file-clients.ts";
import { type LambdaHandler, type LambdaService, startLambdaService } from "../support/lambda-service.ts";
import { lambdaContext, startHttpApi } from "../support/payload-v2.ts";
import { temporaryDirectory } from "../support/product.ts";
import { type SshServer, startSshServer } from "../support/ssh-server.ts";
import { type FunctionRig, putEntry, seedConfiguration, startFunctionRig } from "./rig.ts";

export interface TransferRig {
  readonly rig: FunctionRig;
  readonly server: SshServer;
  readonly functions: Awaited<ReturnType<typeof importFunctions>>;
  readonly apiUrl: string;
  /** How often functions were called by others. */
  readonly lambda: LambdaService;
  /** What the schedule does; `leftMs` of its time are left. */
  call(leftMs?: number): Promise<void>;
  /** Lets the dispatch function have what is uploaded here. */
  upload(name: string, content: Buffer): Promise<void>;
  listed(folder: string): Promise<readonly string[]>;
  /** What has come to the site. */
  arrived(): Promise<readonly string[]>;
  dispose(): Promise<void>;
}

/** The functions and a site, `partner`, with a rule that pushes `/outbox/*.xml` there and moves them to `/sent/`. */
export async function startTransferRig(destination: JsonObject = {}): Promise<TransferRig> {
  const directory = await temporaryDirectory();
  const server = await startSshServer(directory);
  for (const folder of ["in", "out"]) await mkdir(join(server.files, folder));
  const rig = await startFunctionRig();
  await seedConfiguration(rig);
  await seedTransfers(rig, server, destination);
  const callable: Record<string, LambdaHandler> = {};
  const lambda = await startLambdaService(callable);
  Object.assign(process.env, {
    [environmentNames.transfersFunction]: "transfers",
    AWS_ENDPOINT_URL_LAMBDA: lambda.endpoint,
  });
  const functions = await importFunctions();
  const call = (leftMs = 900_000) =>
    functions.transfers({}, { ...lambdaContext(), getRemainingTimeInMillis: () => leftMs });
  callable.transfers = () => call();
  const api = await startHttpApi(functions.httpApi);
  const withClient = async <T>(work: (client: Awaited<ReturnType<typeof httpFileClient>>) => Promise<T>) => {
    const client = await httpFileClient(api.url, "tester");
    return work(client).finally(() => client.close());
  };
  for (const folder of ["/outbox", "/orders"]) await withClient((client) => client.makeDirectory(folder));
  return {
    rig,
    server,
    functions,
    apiUrl: api.url,
    lambda,
    call,
    upload: async (name, content) => {
      await withClient((client) => client.put(`/outbox/${name}`, content));
      await rig.flow.deliver("dispatch", functions.dispatch);
    },
    listed: (folder) => withClient((client) => client.list(folder)),
    arrived: () => readdir(join(server.files, "in")),
    dispose: async () => {
      await lambda.close();
      await api.close();
      await rig.dispose();
      await server.kill();
      await rm(directory, { recursive: true });
    },
  };
}

async function seedTransfers({ test }: FunctionRig, server: SshServer, destination: JsonObject): Promise<void> {
  const { store } = openConfiguration(test.table);
  await putEntry(store, "destination", {
    name: "partner",
    url: `sftp://127.0.0.1:${server.port}${server.files}`,
    user: server.user,
    privateKey: server.privateKey,
    hostKeys: [`SHA256:${server.hostKey}`],
    timeoutSeconds: 5,
    ...destination,
  });
  const when = { accounts: ["tester"], path: "/outbox/*.xml" };
  const steps = [{ push: { destination: "partner", path: "/in/" } }, { move: "/sent/" }];
  await putEntry(store, "dispatch-rule", { name: "to-partner", when, do: steps });
}

/** From `/out` of the site to `/orders`. */
export async function putPull(
  { test }: FunctionRig,
  pull: { name: string; schedule: string } & JsonObject,
): Promise<void> {
  const { store } = openConfiguration(test.table);
  const target = { account: "tester", to: "/orders", stableSeconds: 0 };
  await putEntry(store, "pull", { destination: "partner", from: "/out", ...target, ...pull });
}

async function importFunctions() {
  const [accounting, dispatch, httpApi, transfers] = await Promise.all([
    import("../../lambdas/accounting.ts"),
    import("../../lambdas/dispatch.ts"),
    import("../../lambdas/http-api.ts"),
    import("../../lambdas/transfers.ts"),
  ]);
  return {
    accounting: accounting.handler,
    dispatch: dispatch.handler,
    httpApi: httpApi.handler,
    transfers: transfers.handler,
  };
}
