/** How far each consumer of the event feed has come. */
export interface ConsumerPositions {
  /** The position behind which the consumer goes on; undefined for a consumer that was never here. */
  load(consumer: string): Promise<number | undefined>;
  /** A crash may lose the last saves, never their order: a consumer is only ever sent back. */
  save(consumer: string, position: number): Promise<void>;
}
