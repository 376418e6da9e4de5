/** The counterparts of optax's names here. */
import names from "../tests/fixtures/optax_names.json" with { type: "json" };
import type { Library } from "./coming_from.ts";

type Module = keyof typeof names;

/** optax. */
export const optax: Library<Module> = {
  name: "optax 0.2.8",
  names,
  places: { "optax": ["optim", "nn"], "optax.contrib": ["optim"] },
  renamed: {
    "optax": `
      adamaxw: optim.chain(optim.scaleByAdamax(), optim.addDecayedWeights(decay), optim.scaleByLearningRate(rate))
      amsgrad: optim.adam(rate, { amsgrad: true })
      apply_every: optim.multiSteps
      clip: optim.clipByValue
      constant_schedule: optim.constant
      cosine_decay_schedule: optim.warmupCosine(rate, { warmupSteps: 0, totalSteps: n })
      cosine_distance: sub(1, nn.cosineSimilarity(x, y))
      cosine_onecycle_schedule: optim.oneCycle
      exponential_decay: optim.exponential
      freeze: optim.masked(optim.setToZero(), mask, optim.chain())
      identity: optim.chain()
      incremental_update: tree.map((a, b) => add(mul(a, share), mul(b, 1 - share)), fresh, old)
      inject_stateful_hyperparams: optim.injectHyperparams
      join_schedules: optim.join
      kl_divergence: nn.klDiv
      l2_loss: mul(square(sub(x, y)), 0.5)
      linear_onecycle_schedule: optim.join
      linear_schedule: optim.linear
      multi_normal: random.multivariateNormal
      nadamw: optim.chain(optim.scaleByNadam(), optim.addDecayedWeights(decay), optim.scaleByLearningRate(rate))
      named_chain: optim.chain
      partition: optim.multiTransform
      periodic_update: tree.map((a, b) => where(isDue, a, b), fresh, old)
      piecewise_constant_schedule: optim.piecewise
      polynomial_schedule: optim.polynomial
      safe_norm: norm
      safe_root_mean_squares: sqrt(maximum(mean(square(x)), least))
      safe_softmax_cross_entropy: nn.crossEntropy
      scale_by_amsgrad: optim.scaleByAdam({ amsgrad: true })
      scale_by_factored_rms: optim.scaleByAdafactor
      scale_by_rprop: optim.rprop
      scale_by_rss: optim.scaleByAdagrad
      scale_by_schedule: optim.scale
      scale_by_stddev: optim.scaleByRms({ centered: true })
      scale_by_zoom_linesearch: optim.lineSearch
      scale_gradient: customVjp
      selective_transform: optim.masked
      sgdr_schedule: optim.join
      scale_by_polyak: optim.polyakSgd
      signum: optim.signSgd(rate, { beta: 0.9 })
      sigmoid_binary_cross_entropy: nn.binaryCrossEntropyWithLogits
      sigmoid_focal_loss: nn.focalLoss
      skip_not_finite: optim.applyIfFinite
      smooth_labels: nn.crossEntropy(x, y, { labelSmoothing: 0.1 })
      softmax_cross_entropy: nn.crossEntropy
      softmax_cross_entropy_with_integer_labels: nn.crossEntropy
      squared_error: square(sub(x, y))
      trace: optim.momentum
      tree_map_params: tree.map
      warmup_constant_schedule: optim.linear(0, { steps: n, end: rate })
      warmup_cosine_decay_schedule: optim.warmupCosine
      warmup_exponential_decay_schedule: optim.join
    `,
    "optax.contrib": `
      hutchinson_estimator_diag_hessian: optim.scaleBySophia
      schedule_free_adamw: optim.scheduleFree(optim.adamw(rate, { beta1: 0 }), rate)
      schedule_free_eval_params: optim.scheduleFreeParams
      schedule_free_sgd: optim.scheduleFree(optim.sgd(rate), rate)
    `,
  },
  planned: {
    "optax": ` adaptive_grad_clip clip_by_block_rms conditionally_mask conditionally_transform
      convex_kl_divergence ctc_loss_with_forward_probs fromage generalized_kl_divergence
      keep_params_nonnegative log_cosh matrix_inverse_pth_root measure_with_ema monitor nnls
      normalize_by_update_norm ntxent optimistic_adam optimistic_adam_v2 optimistic_gradient_descent
      per_example_global_norm_clip per_example_layer_norm_clip piecewise_interpolate_schedule 
      power_iteration scale_by_backtracking_linesearch scale_by_distance_over_gradients
      scale_by_optimistic_gradient scale_by_param_block_norm scale_by_param_block_rms 
       scale_by_sm3 skip_large_updates sm3 snapshot`,
    "optax.contrib":
      `acprop ademamix adopt cocob dadapt_adamw differentially_private_aggregate dog dowg dpsgd
      galore madgrad mechanize momo momo_adam normalize prodigy scale_by_acprop scale_by_ademamix
      scale_by_adopt scale_by_cocob scale_by_galore scale_by_madgrad scale_by_simplified_ademamix
      simplified_ademamix`,
  },
  without: {
    "optax": [
      [
        "a type, not a value: `Optimizer`",
        "ShouldSkipUpdateFunction TransformInitFn TransformUpdateExtraArgsFn TransformUpdateFn",
      ],
      ["schedules are functions of the count", "WrappedSchedule"],
      [
        "any object with `init` and `update` is an optimiser",
        "init_empty_state stateless stateless_with_tree_map",
      ],
      ["every `update` takes the loss as its fourth argument", "with_extra_args_support"],
      [
        "counts in states stay at their largest value by themselves",
        "safe_increment safe_int32_increment",
      ],
      [
        "a line of an optimiser, not a function: `optim.ema`",
        "bias_correction update_infinity_moment update_moment update_moment_per_elem_norm",
      ],
      ["trees are taken as they are: `tree.ravel` makes vectors of them", "flatten"],
      ["`map` goes through the parts of a batch one by one", "microbatch"],
      [
        "the state of `optim.lineSearch` has the value; `optimize.minimize` computes no gradient twice",
        "value_and_grad_from_state",
      ],
    ],
    "optax.contrib": [["parameters are real", "split_real_and_imaginary"]],
  },
};
