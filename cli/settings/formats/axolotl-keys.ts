/** Fields of Axolotl's schemas that weigh nothing in a step, by the reason (utils/schemas/*.py). */
export const AXOLOTL_IGNORED: Readonly<Record<string, string>> = {
  'how weights move, no shapes':
    'learning_rate embedding_lr embedding_lr_scale weight_decay lr_scheduler lr_scheduler_kwargs lr_quadratic_warmup cosine_min_lr_ratio cosine_constant_lr_ratio lr_div_factor lr_groups warmup_steps warmup_ratio adam_epsilon adam_epsilon2 adam_eps adam_beta1 adam_beta2 adam_beta3 eta_min loraplus_lr_ratio loraplus_lr_embedding jagged_restart_steps jagged_restart_warmup_steps jagged_restart_anneal_steps torchdistx_path',
  'clipping scales gradients in place': 'max_grad_norm',
  'how long it trains': 'num_epochs max_steps early_stopping_patience loss_watchdog_threshold loss_watchdog_patience',
  'what is logged':
    'logging_steps use_tensorboard include_tokens_per_second include_tkps profiler_steps profiler_steps_start debug strict otel_metrics_host otel_metrics_port use_otel_metrics eval_table_size gradio_title gradio_share gradio_server_name gradio_server_port gradio_max_new_tokens gradio_temperature project_name',
  'evaluation; its memory is not predicted':
    'val_set_size test_datasets eval_batch_size eval_sequence_len eval_sample_packing eval_steps evals_per_epoch eval_strategy evaluation_strategy eval_max_new_tokens do_causal_lm_eval eval_causal_lm_metrics do_bench_eval bench_dataset bench_split metric_for_best_model greater_is_better load_best_model_at_end generate_samples num_generation_samples generation_max_new_tokens generation_temperature generation_top_p generation_top_k generation_prompt_ratio generation_do_sample',
  'what is saved, and where':
    'output_dir save_steps saves_per_epoch save_strategy save_total_limit save_first_step save_only_model save_safetensors resume_from_checkpoint auto_resume_from_checkpoints dynamic_checkpoint fsdp_final_state_dict_type merge_lora merge_method',
  'the hub': 'hub_model_id hub_strategy hub_revision push_dataset_to_hub hf_use_auth_token',
  'the data and its text':
    'datasets pretraining_dataset dataset_prepared_path dataset_shard_num dataset_shard_idx num_dataset_shards_to_save dataset_processes dataset_num_proc dataset_exact_deduplication dataset_keep_in_memory shuffle_merged_datasets shuffle_before_merging_datasets skip_prepare_dataset train_on_inputs group_by_length excess_length_strategy min_sample_len max_prompt_len streaming streaming_multipack_buffer_size pretrain_multipack_buffer_size pretraining_sample_concatenation preprocess_iterable is_preprocess role_boundaries chat_template chat_template_jinja chat_template_kwargs default_system_message eot_tokens special_tokens total_num_tokens total_supervised_tokens',
  'how packs are made up, for sample_packing':
    'sample_packing_group_size sample_packing_bin_size sample_packing_sequentially sample_packing_mp_start_method sample_packing_eff_est sample_packing_seq_len_multiplier max_packed_sequence_len multipack_real_batches pretrain_multipack_attn curriculum_sampling',
  'how batches are fetched and drawn':
    'dataloader_pin_memory dataloader_num_workers dataloader_prefetch_factor dataloader_drop_last remove_unused_columns accelerator_config seed',
  'which files are loaded':
    'base_model_config base_model_ignore_patterns model_type type_of_model revision_of_model tokenizer_config tokenizer_type tokenizer_use_fast tokenizer_legacy tokenizer_use_mistral_common tokenizer_save_jinja_files processor_type processor_kwargs trust_remote_code is_falcon_derived_model is_llama_derived_model is_mistral_derived_model is_qwen_derived_model axolotl_config_path lora_model_dir qlora_sharded_model_loading',
  'where weights are placed while they load':
    'device device_map max_memory gpu_memory_limit low_cpu_mem_usage experimental_skip_move_to_device lora_on_cpu',
  'how matrix products round': 'tf32',
  'frees what is cached, not what lives': 'gc_steps gc_collect_steps torch_empty_cache_steps',
  'lowers the batch only after it did not fit': 'auto_find_batch_size',
  'between devices':
    'ddp ddp_timeout ddp_bucket_cap_mb ddp_broadcast_buffers ddp_find_unused_parameters local_rank world_size',
  'for Conv1D, which PEFT finds out by itself': 'lora_fan_in_fan_out',
  'values that weights begin with, no shapes': 'peft_init_lora_weights mean_resizing_embeddings reinit_weights',
  'a factor, no shapes': 'lora_alpha_pattern',
  'names layers for peft_layers_to_transform': 'peft_layers_pattern',
  'whether norms and embeddings are wide while they load': 'embeddings_skip_upcast',
  'batch_size divided by micro_batch_size; gradient_accumulation_steps is read': 'batch_size',
  'for mixtures of experts': 'experts_implementation quantize_moe_experts llama4_linearized_experts',
  'GPTQ, which is refused where it is on': 'gptq_groupsize gptq_model_v1 gptq_disable_exllama',
  'compilation, which is refused where it is on': 'torch_compile_backend torch_compile_mode torch_compile_options',
  'for trl, kto, orpo and other preference losses':
    'orpo_alpha simpo_gamma cpo_alpha kto_desirable_weight kto_undesirable_weight rl_beta dpo_beta dpo_use_weighting dpo_label_smoothing dpo_loss_type dpo_loss_weights precompute_ref_log_probs vllm center_rewards_coefficient num_labels',
  'for attention that is refused where it is on':
    'flex_attn_compile_kwargs heads_k_stride ring_attn_func scaling_softmax_factor scaling_softmax_bias',
  'a switch of its own is off':
    'eaft_alpha eaft_k tiled_mlp_num_shards tiled_mlp_use_original_mlp chunked_cross_entropy_num_chunks relora_prune_ratio relora_prune_method relora_cpu_offload pose_split_on_token_ids pose_max_context_len pose_num_chunks fp8_enable_fsdp_float8_all_gather cls_model_config',
}

/** Fields that change what a step keeps or computes, by how: refused where they are on. */
export const AXOLOTL_REFUSED: Readonly<Record<string, string>> = {
  'only supervised steps are modelled': 'rl trl ebft reward_model process_reward_model',
  'moves tensors to the host': 'activation_offloading layer_offloading',
  'trains some of the weights':
    'unfrozen_parameters freeze_mm_modules lisa_n_layers lisa_step_interval lisa_layers_attribute',
  'changes the vocabulary':
    'resize_token_embeddings_to_32x shrink_embeddings tokens added_tokens_overrides fix_untrained_tokens',
  'changes the configuration of the model':
    'overrides_of_model_config overrides_of_model_kwargs model_config rope_scaling',
  'another quantization':
    'gptq qat quantization model_quantization_config model_quantization_config_kwargs use_onebitllms fp8',
  'gives some linears another rank': 'lora_rank_pattern',
  'adapts parameters that are no linears': 'lora_target_parameters',
  'adapts some layers and not others': 'peft_layers_to_transform lora_exclude_modules',
  'copies layers': 'peft_layer_replication',
  'trains rows of an embedding': 'peft_trainable_token_indices',
  'ties the copies of modules_to_save': 'peft_ensure_weight_tying',
  'merges the adapter while it trains': 'relora',
  'loads weights as LoftQ': 'peft',
  "Axolotl's own adapter kernels are not modelled":
    'lora_mlp_kernel lora_qkv_kernel lora_o_kernel lora_embedding_kernel',
  'another loss': 'chunked_cross_entropy use_eaft',
  'another MLP': 'tiled_mlp flash_attn_fuse_mlp',
  'other kernels':
    'use_kernels flash_optimum flash_attn_cross_entropy flash_attn_rms_norm fused_attn_kernel gemma4_hybrid_attn_impl large_head_attention flash_attn_d512 sdpa_varlen use_scattermoe use_sonicmoe',
  'another attention': 's2_attention scaling_softmax xformers_attention flex_attention sage_attention',
  'batches of several rows in one': 'batch_flattening use_pose',
  'compiled code keeps other tensors': 'torch_compile deepcompile',
  'noise on the embeddings is not modelled': 'neftune_noise_alpha noisy_embedding_alpha',
  'trains with another optimizer per module': 'optim_args optim_target_modules',
  'keeps chosen norms wide': 'fp32_norms fp32_norm_classes',
  'splits the model another way':
    'dp_shard_size dp_replicate_size sequence_parallel_degree context_parallel_size expert_parallel_size',
  'a trainer of its own': 'trainer_cls',
  images: 'image_size image_resize_algorithm',
}

/** Families of fields that plugins and loggers bring. */
export const AXOLOTL_FAMILIES: Readonly<Record<string, string>> = {
  wandb_: 'what is logged',
  use_wandb: 'what is logged',
  mlflow_: 'what is logged',
  use_mlflow: 'what is logged',
  hf_mlflow_: 'what is logged',
  comet_: 'what is logged',
  use_comet: 'what is logged',
  trackio_: 'what is logged',
  use_trackio: 'what is logged',
  swanlab_: 'what is logged',
  use_swanlab: 'what is logged',
  dion_: 'for an optimizer that is refused',
  qgalore_: 'for an optimizer that is refused',
  ray_: 'processes on a cluster',
  use_ray: 'processes on a cluster',
  resources_per_worker: 'processes on a cluster',
}
