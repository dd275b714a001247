/** A published model: its config.json as data, and its exact size. */
export interface CatalogEntry {
  /** Where it is published on the Hugging Face hub. */
  readonly repository: string
  /** The keys of config.json that decide the program and its shapes, as published. */
  readonly config: Readonly<Record<string, unknown>>
  /**
   * Parameters as published. Of encoders: what `AutoModelForSequenceClassification` builds for two labels (the
   * checkpoint's language modeling head is dropped and a classification head added).
   */
  readonly parameters: number
  /** Parameters in the stack (transformers 5.23), where it ties weights that the checkpoint keeps apart. */
  readonly stackParameters?: number
}
