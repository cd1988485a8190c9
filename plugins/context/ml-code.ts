import { definePlugin } from '../../core/plugin-api.js'
import { chooseFiles } from './shared/choose-files.js'
import { itemLimit } from './shared/item-limit.js'

const LIBRARIES = /\b(?:torch|tensorflow|keras|sklearn|scikit-learn|jax|flax|transformers|xgboost|lightgbm|catboost|mlflow|wandb|optuna|ray|onnxruntime|sentence_transformers|peft|datasets|openai|anthropic|langchain|llama_index|llamaindex|vllm|statsmodels|candle_core|burn|CoreML|tfjs)\b/

export default definePlugin({
  kind: 'context-strategy',
  name: 'ml-code',
  description: 'Training, evaluation and model configuration',
  options: itemLimit(),
  create: ({ maxItems }, { clock }) => chooseFiles({
    satisfies: 'ml-code',
    maxItems,
    clock,
    rules: [
      {
        words: ['train', 'training', 'trainer', 'finetune', 'finetuning', 'pretrain', 'hyperparameter', 'lora', 'checkpoint'],
        kinds: ['source'],
        score: 1,
        reason: 'training by name'
      },
      {
        words: [
          'eval', 'evaluate', 'evaluation', 'evaluator', 'inference', 'predict', 'prediction', 'predictor', 'embedding', 'classifier',
          'regressor', 'tokenizer', 'dataloader', 'featurizer', 'rag', 'retriever', 'llm', 'drift'
        ],
        kinds: ['source'],
        score: 0.85,
        reason: 'model code by name'
      },
      {
        words: [
          'model', 'dataset', 'feature', 'preprocess', 'preprocessing', 'augment', 'loss', 'optimizer', 'metric', 'serving', 'scoring',
          'agent', 'network', 'layer', 'experiment', 'pipeline', 'completion', 'vector'
        ],
        kinds: ['source'],
        content: LIBRARIES,
        score: 0.9,
        reason: 'uses a machine learning library'
      },
      {
        paths: ['ml/', 'ai/', 'models/', 'src/', 'app/', 'lib/'],
        kinds: ['source'],
        content: /\b(?:import|from)\s+["']?(?:torch|tensorflow|keras|sklearn|jax|transformers|xgboost|lightgbm|mlflow|openai|anthropic|langchain|llama_index)\b/,
        score: 0.75,
        reason: 'imports a machine learning library'
      },
      {
        paths: [
          'mlproject', 'dvc.yaml', 'params.yaml', 'model-card*', 'model_card*', 'modelfile', 'bentofile.yaml', 'cog.yaml', 'kubeflow/',
          'sagemaker/', 'feature_store.yaml', 'wandb*.yaml', 'sweep*.y*ml', 'accelerate*.yaml', 'deepspeed*.json', 'ds_config*.json'
        ],
        score: 0.85,
        reason: 'definition of an experiment or model'
      },
      {
        paths: ['configs/', 'config/', 'conf/', 'experiments/', 'hparams/', 'recipes/'],
        kinds: ['configuration'],
        content: /learning_rate|batch_size|\bepochs?\b|model_name|optimizer|num_layers|temperature|max_tokens|\blr\b/i,
        score: 0.85,
        reason: 'configuration of a model'
      },
      { paths: ['*.ipynb'], content: LIBRARIES, score: 0.6, reason: 'notebook on a model' },
      { paths: ['evals/', 'eval/', 'evaluations/'], kinds: ['configuration', 'source', 'other'], score: 0.7, reason: 'evaluation' },
      {
        paths: ['/requirements*.txt', '/pyproject.toml', '/environment.y*ml'],
        content: LIBRARIES,
        score: 0.5,
        reason: 'depends on a machine learning library'
      }
    ]
  })
})
