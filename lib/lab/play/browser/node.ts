/**
 * What stands for Node's modules in the page's bundle: the files that import them read and write disks, which no part
 * of the page does. A call is an error, so that nothing wrong is computed in silence.
 *
 * @module
 */
const missing = (name: string) => (): never => {
  throw new Error(`${name} is Node's, and a browser has no such thing`);
};

export const createHash = missing("createHash");
export const createReadStream = missing("createReadStream");
export const pipeline = missing("pipeline");
export const createGunzip = missing("createGunzip");
export const createZstdDecompress = missing("createZstdDecompress");
export const basename = missing("basename");
export const resolve = missing("resolve");
export const dirname = missing("dirname");
export const join = missing("join");
export const relative = missing("relative");
export const Buffer = { from: missing("Buffer.from"), concat: missing("Buffer.concat") };

/** `process`, whose environment is empty in a page. */
export default { env: {} };
