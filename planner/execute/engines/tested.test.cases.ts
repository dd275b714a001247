import { ENGINE_NAMES, type EngineName } from '../../trace/engine-names.ts'
import { BUNDLED } from './table.ts'

const asked = process.env.TIDEMARK_TEST_ENGINES

/** What the tests run on: the engines of the installation, or those that `TIDEMARK_TEST_ENGINES` names (`tfjs-node,wasm`). */
export const TESTED_ENGINES: readonly EngineName[] =
  asked === undefined ? BUNDLED : ENGINE_NAMES.filter((name) => asked.split(',').includes(name))
