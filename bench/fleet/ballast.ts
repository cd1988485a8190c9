const PIECE = 16 * 1024 * 1024
const held: Buffer[] = []

/** Has this process hold so many MiB more, every page of them written to. The system copies the tables of all pages when it makes a process. */
export function ballast (mebibytes: number): void {
  for (let bytes = mebibytes * 1024 * 1024; bytes > 0; bytes -= PIECE) held.push(Buffer.alloc(Math.min(PIECE, bytes), 1))
}
