/** A chat template by name. */
export interface ChatPreset {
  /** Jinja source. */
  readonly source: string;
  /** What it is and where it comes from. */
  readonly from: string;
  /**
   * Texts that begin a user's and an assistant's turn, where turns are found by them among tokens; `skipFirst` leaves
   * the first token of each out. @default turns are found by what the template writes
   */
  readonly markers?: {
    readonly user: string;
    readonly assistant: string;
    readonly skipFirst: boolean;
  };
}

/**
 * Chat templates for base models, which come without one. An entry is all that a preset needs.
 *
 * A turn of the assistant ends with the tokenizer's end token wherever the format leaves that open, as a
 * base model has no other token for it.
 */
export const CHAT_PRESETS: Readonly<Record<string, ChatPreset>> = {
  chatml: {
    source: "{% for message in messages %}" +
      "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}" +
      "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}",
    from: "ChatML, as TRL's clone_chat_template and setup_chat_format write it: huggingface/trl",
  },
  zephyr: {
    source: "{% for message in messages %}" +
      "{{ '<|' + message['role'] + '|>\\n' + message['content'] + eos_token + '\\n' }}" +
      "{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>\\n' }}{% endif %}",
    from: "Zephyr, of the alignment handbook: huggingface/alignment-handbook",
  },
  plain: {
    source: "{{ bos_token }}{% for message in messages %}" +
      "{{ message['role'] + ': ' + message['content'] }}" +
      "{{ eos_token + '\\n' if message['role'] == 'assistant' else '\\n' }}" +
      "{% endfor %}{% if add_generation_prompt %}{{ 'assistant:' }}{% endif %}",
    from: "a line per turn, role and content: no tokens that a base model has not met",
  },
  "self-judge": {
    // The line end after the last block is not written: Jinja's trim_blocks drops it, as transformers sets it.
    source: "<|system|>\n{% for message in messages %}" +
      "{% if loop.first and message['role'] == 'system' %}{{ message['content'] }}" +
      "{% elif message['role'] == 'user' %}{{ '\n<|user|>\n' + message['content'] }}" +
      "{% elif message['role'] == 'assistant' %}" +
      "{{ '\n<|assistant|>\n' + message['content'] + eos_token }}{% endif %}" +
      "{% if loop.last and add_generation_prompt %}\n{{ '\n<|assistant|>\n' }}{% endif %}{% endfor %}",
    from:
      "SELF-JUDGE for Llama-2: https://github.com/oddqueue/self-judge, configs/hh_jsft.yaml templates.chat",
    markers: { user: "\n<|user|>\n", assistant: "\n<|assistant|>\n", skipFirst: true },
  },
};
