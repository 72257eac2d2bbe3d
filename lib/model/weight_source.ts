/** Where a model's weights come from: tensors by their Hugging Face names, read one at a time. */
export interface WeightSource {
  readonly names: readonly string[];
  /** Row-major shape, outermost first. @throws UserError when there is no such tensor. */
  shape(name: string): readonly number[];
  /** All values, row-major. @throws UserError when there is no such tensor or it cannot be read. */
  read(name: string): Promise<Float32Array>;
  /** Releases the files. */
  close(): void;
}
