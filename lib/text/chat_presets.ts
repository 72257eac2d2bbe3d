/** A chat template by name. */
export interface ChatPreset {
  /** Jinja source. */
  readonly source: string;
  /** What it is and where it comes from. */
  readonly from: string;
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
};
