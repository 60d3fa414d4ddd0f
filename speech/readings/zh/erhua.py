"""The 儿 that may be heard or not: 一会儿 is 一会; in 儿子 and 女儿 it is a syllable."""

import re

_SYLLABLE_BEFORE = "女婴幼孤少小胎宠健男弃患育生托产幺侄血新"
_SYLLABLE_AFTER = "童科子媳女孙戏歌时郎茶"
ERHUA = re.compile(f"(?<=[\u4e00-\u9fff])(?<![{_SYLLABLE_BEFORE}])儿(?![{_SYLLABLE_AFTER}]|化(?![了掉开]))")
