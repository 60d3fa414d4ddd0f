"""A recipe whose stages take no time: what run.sh does around stages is what test_run_sh.py looks at."""
