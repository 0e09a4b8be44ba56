# shellcheck shell=sh
# stands here until the adapter of this kind does
