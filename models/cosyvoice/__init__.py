"""CosyVoice's llm.pt <-> a Hugging Face checkpoint, the same function before and after.

layout           which tensor is which, both ways
tokenizer        the text tokenizer with the family's tokens and its prompt as a chat template
to_huggingface   stage `models`: llm.pt -> recipe.sft_dir
to_llm_pt        stage `export`: recipe.merged_dir -> llm.pt
"""
