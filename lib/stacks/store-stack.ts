import { CfnOutput, Stack, type StackProps } from "aws-cdk-lib";
import type { Construct } from "constructs";
import type { Stage } from "../configuration/schema.ts";
import { AccessLogBucket } from "../constructs/access-log-bucket.ts";
import { AuditBucket } from "../constructs/audit-bucket.ts";
import { ControlTable } from "../constructs/control-table.ts";
import { EncryptionKey } from "../constructs/encryption-key.ts";
import { FileBucket } from "../constructs/file-bucket.ts";
import { MalwareScan } from "../constructs/malware-scan.ts";
import { ProductSecret } from "../constructs/product-secret.ts";

export interface StoreStackProps extends StackProps {
  readonly stage: Stage;
}

/** What must not be lost: files, accounts, the audit, secrets. All of it stays when the stack goes. */
export class StoreStack extends Stack {
  readonly encryptionKey: EncryptionKey;
  readonly files: FileBucket;
  readonly audit: AuditBucket;
  readonly table: ControlTable;
  readonly hostKeys: ProductSecret;
  readonly tls: ProductSecret;
  readonly tokenKeys: ProductSecret;
  /** Where the stage names an endpoint that is asked about logins. */
  readonly authenticationHeaders: ProductSecret | undefined;
  /** Where the stage names OpenPGP keys. */
  readonly pgpKeys: ProductSecret | undefined;

  constructor(scope: Construct, id: string, props: StoreStackProps) {
    super(scope, id, { ...props, terminationProtection: true });
    const { retention, scan, authentication, pgpKeys } = props.stage;
    const encryptionKey = new EncryptionKey(this, "EncryptionKey");
    const accessLogs = new AccessLogBucket(this, "AccessLogs", { expireDays: retention.logDays });
    this.encryptionKey = encryptionKey;
    this.files = new FileBucket(this, "Files", { encryptionKey, accessLogs, versionDays: retention.versionDays });
    this.audit = new AuditBucket(this, "Audit", { encryptionKey, accessLogs, lockDays: retention.auditLockDays });
    this.table = new ControlTable(this, "Control", { encryptionKey });
    const secret = (name: string, description: string) => new ProductSecret(this, name, { encryptionKey, description });
    this.hostKeys = secret("HostKeys", "SSH host keys of the gateway");
    this.tls = secret("Tls", "Certificate of FTPS, with its private key");
    this.tokenKeys = secret("TokenKeys", "What signs the tokens of the HTTP API");
    this.authenticationHeaders =
      authentication.http && secret("AuthenticationHeaders", "Headers of the questions about logins");
    this.pgpKeys = pgpKeys.length > 0 ? secret("PgpKeys", "OpenPGP keys of dispatch rules") : undefined;
    new CfnOutput(this, "TableName", { value: this.table.table.tableName });
    new CfnOutput(this, "FilesBucketName", { value: this.files.bucket.bucketName });
    new CfnOutput(this, "HostKeysSecretArn", { value: this.hostKeys.secret.secretArn });
    new CfnOutput(this, "TlsSecretArn", { value: this.tls.secret.secretArn });
    if (this.authenticationHeaders) {
      new CfnOutput(this, "AuthenticationSecretArn", { value: this.authenticationHeaders.secret.secretArn });
    }
    if (this.pgpKeys) new CfnOutput(this, "PgpKeysSecretArn", { value: this.pgpKeys.secret.secretArn });
    if (scan.kind === "guardduty") new MalwareScan(this, "Scan", { files: this.files, encryptionKey, ...scan });
  }
}
