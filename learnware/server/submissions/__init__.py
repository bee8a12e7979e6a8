"""What was uploaded and what became of it: files that wait, their queue, and the processes that verify them.

An upload is acknowledged once its file and its row are on the disk; from then on it ends as verified or as failed,
whatever process dies meanwhile.
"""
