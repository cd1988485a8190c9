// Writes the generated tables into the pages of docs/: npm run build && node dist/test/docs/write-tables.js
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PACKAGE_ROOT } from '../../core/package-root.js'
import { GENERATED_TABLES, readPage, withTable } from './tables.js'

for (const table of GENERATED_TABLES) {
  const page = readPage(table.page)
  const written = await withTable(page, table)
  if (written !== page) writeFileSync(join(PACKAGE_ROOT, table.page), written)
}
