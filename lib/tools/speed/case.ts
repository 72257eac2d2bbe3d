/** Our side of a case, ready to run: weights made, batch drawn. */
export interface Prepared {
  /** Does the work once and answers how many items it did, in the unit of the case. */
  run(): Promise<number>;
  /** Lets go of the tensors. */
  close(): void;
}

/** One thing that both sides can do, and how fast ours should be. */
export interface SpeedCase {
  /** Name of the case. */
  readonly name: string;
  /** What a rate counts, per second. */
  readonly unit: string;
  /** Sizes, given to both sides; the names are the parameters of the function in `reference.py`. */
  readonly args: Record<string, number>;
  /** Arguments added for a second PyTorch column: the same result asked for in a cleverer way. */
  readonly tuned?: Record<string, number>;
  /** Whether our side has compiled steps, and PyTorch's a variant under `torch.compile`: the argument `compiled`. */
  readonly compiles?: boolean;
  /** The ratio (our rate / PyTorch's rate) to reach against PyTorch eager, asked in the usual way. */
  readonly level: number;
  /** The ratio to reach against the fastest way of asking PyTorch. */
  readonly bestLevel?: number;
  /** The function in `reference.py`, where it has another name. @default name */
  readonly reference?: string;
  /** The case that this one is larger than: how much longer it takes is told. */
  readonly growsFrom?: string;
  /** Makes our side ready. The engine is running by then. */
  prepare(): Promise<Prepared>;
}
