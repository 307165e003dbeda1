import {
  type aws_cloudwatch as cloudwatch,
  aws_dynamodb as dynamodb,
  aws_iam as iam,
  RemovalPolicy,
} from "aws-cdk-lib";
import { Construct } from "constructs";
import { partitions, tableAttributes } from "../../adapters/aws/env.ts";
import type { EncryptionKey } from "./encryption-key.ts";

export interface ControlTableProps {
  readonly encryptionKey: EncryptionKey;
  /** @default RemovalPolicy.RETAIN, and deletion protection */
  readonly removalPolicy?: RemovalPolicy;
}

export type Partition = keyof typeof partitions;

export interface PartitionAccess {
  readonly read?: readonly Partition[];
  /** Reading included. */
  readonly write?: readonly Partition[];
}

const readActions = ["dynamodb:BatchGetItem", "dynamodb:ConditionCheckItem", "dynamodb:GetItem", "dynamodb:Query"];
const writeActions = ["dynamodb:BatchWriteItem", "dynamodb:DeleteItem", "dynamodb:PutItem", "dynamodb:UpdateItem"];

/** The one table: accounts, rules, leases, claims, the audit index. Who may touch what is told by its partitions. */
export class ControlTable extends Construct {
  readonly table: dynamodb.TableV2;
  readonly #encryptionKey: EncryptionKey;

  constructor(scope: Construct, id: string, props: ControlTableProps) {
    super(scope, id);
    this.#encryptionKey = props.encryptionKey;
    const removalPolicy = props.removalPolicy ?? RemovalPolicy.RETAIN;
    const text = (name: string) => ({ name, type: dynamodb.AttributeType.STRING });
    this.table = new dynamodb.TableV2(this, "Table", {
      partitionKey: text(tableAttributes.partition),
      sortKey: text(tableAttributes.sort),
      timeToLiveAttribute: tableAttributes.expiry,
      globalSecondaryIndexes: [
        {
          indexName: tableAttributes.indexName,
          partitionKey: text(tableAttributes.indexPartition),
          sortKey: text(tableAttributes.indexSort),
        },
      ],
      encryption: dynamodb.TableEncryptionV2.customerManagedKey(props.encryptionKey.kmsKey),
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: removalPolicy === RemovalPolicy.RETAIN,
      removalPolicy,
    });
  }

  /**
   * Lets a principal at the partitions that are named, in the table and in its index, and at no other. There is no
   * Scan: DynamoDB cannot hold one to partitions.
   */
  grantPartitions(grantee: iam.IGrantable, access: PartitionAccess): void {
    const { read = [], write = [] } = access;
    if (write.length > 0) this.#encryptionKey.grantEncryptDecrypt(grantee, "dynamodb");
    else this.#encryptionKey.grantDecrypt(grantee, "dynamodb");
    this.#grant(grantee, readActions, [...read, ...write]);
    this.#grant(grantee, writeActions, write);
  }

  #grant(grantee: iam.IGrantable, actions: readonly string[], names: readonly Partition[]): void {
    if (names.length === 0) return;
    iam.Grant.addToPrincipal({
      grantee,
      actions: [...actions],
      resourceArns: [this.table.tableArn, `${this.table.tableArn}/index/${tableAttributes.indexName}`],
      conditions: {
        "ForAllValues:StringLike": { "dynamodb:LeadingKeys": names.map((name) => `${partitions[name]}*`) },
        // "For all values" holds for none at all, too.
        Null: { "dynamodb:LeadingKeys": "false" },
      },
    });
  }

  /** Requests that were turned away because there were too many; the adapters try them again. */
  metricThrottledRequests(): cloudwatch.IMetric {
    return this.table.metricThrottledRequestsForOperations({
      operations: [
        dynamodb.Operation.GET_ITEM,
        dynamodb.Operation.PUT_ITEM,
        dynamodb.Operation.QUERY,
        dynamodb.Operation.TRANSACT_WRITE_ITEMS,
        dynamodb.Operation.UPDATE_ITEM,
      ],
      label: "throttled requests",
    });
  }
}
