"""`manage.py up`: a small supervisor without Django, and the processes it runs.

home (the directory) and screen (what a person sees) serve supervisor; prepare (the database), web and worker run in
processes of their own, with Django.
"""
