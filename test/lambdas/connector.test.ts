import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { it } from "node:test";
import { createDynamoPushQueue } from "../../adapters/aws/dynamo-push-queue.ts";
import { connectorStagingPrefix } from "../../adapters/aws/env.ts";
import { openConfiguration } from "../../lambdas/services/configuration.ts";
import { awsOrSkip } from "../support/aws-services.ts";
import { programOrSkip } from "../support/require-program.ts";
import { ConnectorSite, startTransferService } from "../support/transfer-service.ts";
import { putEntry } from "./rig.ts";
import { startTransferRig, type TransferRig } from "./transfer-rig.ts";

const connectorId = "c-0123456789abcdef0";

it("files are pushed through the connector that a destination names", {
  skip: awsOrSkip() || programOrSkip("sshd"),
}, async (context) => {
  const site = new ConnectorSite(() => transfers.rig.files.client);
  const service = await startTransferService(site);
  process.env.AWS_ENDPOINT_URL_TRANSFER = service.endpoint;
  const transfers: TransferRig = await startTransferRig();
  context.after(async () => {
    await transfers.dispose();
    await service.close();
  });
  const { store } = openConfiguration(transfers.rig.test.table);
  await putEntry(store, "destination", { name: "partner", url: `connector://${connectorId}/incoming` });
  const content = randomBytes(300_000);
  await transfers.upload("1.xml", content);
  await transfers.call();
  assert.deepEqual(site.files.get("/incoming/in/1.xml"), content);
  assert.deepEqual(await transfers.listed("/sent"), ["1.xml"]);
  assert.deepEqual(await createDynamoPushQueue(transfers.rig.test.table).waiting(), []);
  assert.deepEqual([...new Set(site.asked)], [connectorId]);
  const left = await transfers.rig.files.objectKeys(connectorStagingPrefix);
  assert.deepEqual(left, []);
});
