/** One line on a terminal that is written over; nothing elsewhere. */
export function progress (text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${text}`)
}

/** One line on a terminal that is written over; a line of its own elsewhere, for what takes minutes. */
export function progressInLines (text: string): void {
  if (process.stderr.isTTY) progress(text)
  else if (text !== '') console.error(text)
}
