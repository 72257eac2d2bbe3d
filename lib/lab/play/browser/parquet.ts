/**
 * What stands for the readers of parquet files in the page's bundle, which reads none.
 *
 * @module
 */
const missing = (): never => {
  throw new Error("the page reads no parquet files");
};

export const asyncBufferFromFile = missing;
export const parquetMetadataAsync = missing;
export const parquetReadObjects = missing;
export const compressors = {};
