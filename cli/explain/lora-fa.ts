/** The idea of LoRA-FA (arXiv 2308.03303) with one drawing. */
export const LORA_FA = `LoRA-FA: freeze A, and the inputs of the linears need not be kept

  A linear with a low-rank adapter computes   Y = X·W + (X·A)·B,  with W and A frozen or trained:

      X ──┬────── W (frozen) ──────────────┐
          │                                + ── Y
          └── A ── X·A (t × r) ── B ───────┘

  The backward needs, for each weight that trains, the other factor of its product:

      dW = Xᵀ·dY          full:     keeps X      t × d_in for each linear
      dA = Xᵀ·(dY·Bᵀ)     LoRA:     keeps X      though r is small, and X·A
      dB = (X·A)ᵀ·dY      LoRA-FA:  keeps X·A    t × r, and no X

  dX = dY·Wᵀ + (dY·Bᵀ)·Aᵀ needs only weights, which are there anyway. So with A frozen, nobody asks for X,
  and autograd keeps X·A alone: r columns in place of d_in.

  What it does not lower: the weights, the inputs that another operation keeps (a norm, an activation, attention),
  and the logits. With lora_dropout > 0 the mask is kept for each linear. With gradient checkpointing a layer's
  inputs are dropped anyway, and what LoRA-FA adds is the part of one layer.

  See it: tidemark compare llama-2-7b --methods lora,lora-fa --target-modules all-linear -s 512
`
