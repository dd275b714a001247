/** What a study trains with: the methods, LoRA-FA under both optimizers, and a control that freezes B in place of A. */
export const STUDY_METHODS = ['full', 'lora', 'lora-fa', 'lora-fa-corrected', 'frozen-b'] as const
export type StudyMethod = (typeof STUDY_METHODS)[number]
