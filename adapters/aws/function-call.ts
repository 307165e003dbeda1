import { InvokeCommand, type LambdaClient } from "@aws-sdk/client-lambda";
import { FileError } from "../../core/errors.ts";

export interface FunctionCallOptions {
  readonly client: LambdaClient;
  readonly functionName: string;
}

/** Calls a function and does not wait for what it does. @throws FileError `unavailable` when Lambda does not take it */
export function createFunctionCall({ client, functionName }: FunctionCallOptions): () => Promise<void> {
  const command = { FunctionName: functionName, InvocationType: "Event", Payload: "{}" } as const;
  return async () => {
    await client.send(new InvokeCommand(command)).catch((cause: unknown) => {
      throw new FileError("unavailable", "the function cannot be called", { cause });
    });
  };
}
