/** What the words of the tables mean. */
export const SAVED = `saved: what autograd keeps from the forward to the backward

  Every storage that the graph reaches when the forward has ended, one count each; parameters, buffers and the batch
  are left out. Each line of the table says which derivative asks for the tensor: "dW of linear" needs the input,
  "softmax output" is the result itself. Views of one storage count once, at the size the storage was allocated with.
`

export const PEAK = `peak: the most bytes that are alive at one instant of the steady step

  A step has three phases (forward, backward, optimizer); the peak is the maximum over all instants of all three, and
  the instant is named by phase, module and operation. The first step differs: the optimizer's state is made in it.
  The law writes the peak as a sum over what is alive at that instant: 4·b·t·V is a float32 tensor [batch, tokens, vocabulary].
`

export const TIERS = `tiers: four figures that must not be mixed

  saved      what autograd keeps from forward to backward
  live       bytes of all tensors that are alive
  reserved   what the allocator holds for them, with rounding and fragments
  process    what the driver or the operating system shows: context, libraries and all

  Every figure says whether it is simulated, measured or a formula, and for which stack.
`
