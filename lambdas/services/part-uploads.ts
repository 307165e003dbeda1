import { createDynamoPendingUploadStore } from "../../adapters/aws/dynamo-pending-uploads.ts";
import type { DynamoTable } from "../../adapters/aws/dynamo-table.ts";
import type { SecretTokenSigner } from "../../adapters/aws/secret-token-signer.ts";
import type { UploadServices } from "../../protocols/http/upload-operations.ts";
import { PartUploads } from "../../service/session/part-uploads.ts";
import type { FunctionServices } from "./session-services.ts";

/** Large files, whose parts clients send straight to S3. */
export async function openPartUploads(
  table: DynamoTable,
  services: FunctionServices,
  signer: SecretTokenSigner,
): Promise<UploadServices> {
  const uploads = createDynamoPendingUploadStore(table);
  const partUploads = new PartUploads({ services, uploads, parts: services.objects.directParts });
  return { partUploads, urlSecret: await signer.derivedSecret("part-urls") };
}
